import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Tree } from "../../src/cas/tree.ts";
import type { SourceKind } from "../../src/project/source-kind.ts";
import { patch } from "../../src/sources/patch.ts";
import { patchNames } from "../../src/sources/patch-names.ts";
import { patchQueue } from "../../src/sources/patch-queue.ts";
import { tempDir } from "../helpers.ts";
import { bench, listing } from "./helpers.ts";

const edit = (path: string) => `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-old\n+new\n`;
const create = (path: string) => `--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+new\n`;

/** @param files text, or a link's target behind `->` */
async function patched(kind: SourceKind, patches: readonly string[], files: Record<string, string>): Promise<string[]> {
  const on = bench();
  const folder = join(on.context.projectDirectory, "patches");
  mkdirSync(folder);
  for (const [i, text] of patches.entries()) writeFileSync(join(folder, `${i}.patch`), text);
  const tree = new Tree(on.cas);
  for (const [path, content] of Object.entries(files)) {
    const above = tree.makeDirectory(path.slice(0, path.lastIndexOf("/") + 1));
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (content.startsWith("->")) above.addSymlink(name, content.slice(2));
    else above.addFile(name, on.cas.write(content), { executable: false });
  }
  const source = on.configure(kind, { path: kind === patch ? "patches/0.patch" : "patches" });
  source.uniqueKey();
  await source.stage(tree, on.io);
  return listing(on.cas, tree);
}

describe.each([
  ["patch", patch],
  ["patch_queue", patchQueue],
])("%s", (_, kind) => {
  test("follows no link and no path to the outside", async () => {
    const outside = tempDir("outside");
    writeFileSync(join(outside, "file"), "old\n");
    for (const [path, files] of [
      ["link/file", { link: `->${outside}`, file: "old\n" }],
      ["link/made", { link: `->${outside}`, file: "old\n" }],
      ["up/made", { up: "->../..", file: "old\n" }],
      ["link", { link: `->${outside}/made`, file: "old\n" }],
      ["../made", { file: "old\n" }],
    ] as const) {
      for (const text of [edit(path), create(path)]) {
        await expect(patched(kind, [text], files), `${path}: ${text}`).rejects.toMatchObject({ domain: "plugin" });
      }
    }
    expect(existsSync(join(outside, "made"))).toBe(false);
  });

  test("leaves the tree as it was where a patch does not fit", async () => {
    const attempt = patched(kind, [edit("a") + edit("missing")], { a: "old\n" });
    await expect(attempt).rejects.toMatchObject({ domain: "plugin" });
  });

  test("removes folders that are empty then, and no others", async () => {
    const remove = (path: string) => `--- a/${path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n`;
    const files = { "x/y/gone": "old\n", "z/gone": "old\n", "z/stays": "old\n" };
    expect(await patched(kind, [remove("x/y/gone") + remove("z/gone")], files)).toEqual(["z/", "z/stays = old\n"]);
  });

  test("changes what is in a workspace", async () => {
    const on = bench();
    const directory = tempDir("workspace");
    mkdirSync(join(directory, "x"));
    for (const name of ["a", "b", "x/gone"]) writeFileSync(join(directory, name), "old\n");
    const before = statSync(join(directory, "b"), { bigint: true });
    mkdirSync(join(on.context.projectDirectory, "patches"));
    const gone = "--- a/x/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n";
    writeFileSync(join(on.context.projectDirectory, "patches/0.patch"), edit("a") + create("y/made") + gone);
    const source = on.configure(kind, { path: kind === patch ? "patches/0.patch" : "patches" });
    await source.initWorkspace?.(directory, on.io);
    expect(readdirSync(directory).sort()).toEqual(["a", "b", "y"]);
    expect(readFileSync(join(directory, "a"), "utf8")).toBe("new\n");
    expect(readFileSync(join(directory, "y/made"), "utf8")).toBe("new\n");
    expect(statSync(join(directory, "b"), { bigint: true })).toMatchObject({
      ino: before.ino,
      mtimeNs: before.mtimeNs,
    });
  });

  test("is an error where the patch changed since its key was computed", async () => {
    const on = bench();
    mkdirSync(join(on.context.projectDirectory, "patches"));
    const file = join(on.context.projectDirectory, "patches/0.patch");
    writeFileSync(file, edit("a"));
    const source = on.configure(kind, { path: kind === patch ? "patches/0.patch" : "patches" });
    source.uniqueKey();
    writeFileSync(file, edit("b"));
    const tree = new Tree(on.cas);
    tree.addFile("b", on.cas.write("old\n"), { executable: false });
    await expect(source.stage(tree, on.io)).rejects.toThrow("was changed");
  });
});

test("patch needs something to patch", async () => {
  await expect(patched(patch, [create("a")], {})).rejects.toMatchObject({ reason: "patch-no-files" });
});

test("names in patches", () => {
  const text = [
    "Index: some/file.c",
    "*** a/context.c\t2020-01-01",
    "diff --git a/with space b/with space",
    "rename from old name",
    '+++ "b/quo\\"ted\\tt\\303\\274"',
    "--- ../../outside",
    "--- a//double//slash 2020-01-01 00:00:00",
  ].join("\n");
  const names = patchNames(Buffer.from(text), 1);
  for (const name of ["file.c", "context.c", "with space", "old name", 'quo"ted\ttü', "double/slash"]) {
    expect(names).toContain(name);
  }
  expect([...names].filter((name) => name.split("/").includes(".."))).toEqual([]);
});
