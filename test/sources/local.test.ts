import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatDigest } from "../../src/cas/digest.ts";
import { local } from "../../src/sources/local.ts";
import { writeFiles } from "../helpers.ts";
import { bench, listing } from "./helpers.ts";

describe("local", () => {
  test("stages a folder's content, and is keyed by it", async () => {
    const on = bench();
    writeFiles(on.context.projectDirectory, {
      "files/run": { executable: "x" },
      "files/sub/link": { symlink: "../run" },
      "files/empty/": "",
    });
    const source = on.configure(local, { path: "files" });
    const tree = await on.stage(source);
    expect(listing(on.cas, tree)).toEqual(["empty/", "run* = x", "sub/", "sub/link -> ../run"]);
    expect(source.uniqueKey()).toBe(tree.digest().hash);
    expect(source.info()).toEqual([
      { url: "files", medium: "local", versionType: "cas-digest", version: formatDigest(tree.digest()) },
    ]);
    expect(source.localPath).toBe(join(on.context.projectDirectory, "files"));
  });

  test("stages a single file under its name", async () => {
    const on = bench();
    writeFiles(on.context.projectDirectory, { "a/file.txt": "content" });
    const source = on.configure(local, { path: "a/file.txt" });
    expect(listing(on.cas, await on.stage(source))).toEqual(["file.txt = content"]);
  });

  test("never stages under a key what that key was not made of", async () => {
    const on = bench();
    writeFiles(on.context.projectDirectory, { "files/x": "before" });
    const source = on.configure(local, { path: "files" });
    source.uniqueKey();
    writeFileSync(join(on.context.projectDirectory, "files/x"), "after");
    await expect(on.stage(source)).rejects.toMatchObject({ domain: "source" });
  });
});
