import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { formatDigest } from "../../src/cas/digest.ts";
import { tar } from "../../src/sources/tar.ts";
import { cacheConfig, runCommand, tempDir, writeFiles } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { bench, listing } from "./helpers.ts";
import { type Shape, shapes } from "./tar-shapes.ts";
import { archive, directory, gzipped, type Member, symlink } from "./tar-writer.ts";

async function unpack(bytes: Buffer, config: Record<string, string> = {}, suffix = ".tar"): Promise<string[]> {
  const { cas, tree } = await unpacked(bytes, config, suffix);
  return listing(cas, tree);
}

async function unpacked(bytes: Buffer, config: Record<string, string> = {}, suffix = ".tar") {
  const on = bench();
  const path = join(tempDir("tar"), `archive${suffix}`);
  writeFileSync(path, bytes);
  const source = on.configure(tar, { url: `file://${path}`, ...config });
  source.setRef(await source.track(on.io));
  return { cas: on.cas, tree: await on.stage(source) };
}

describe("tar", () => {
  test("stages what is below its base directory", async () => {
    const members: Member[] = [
      directory("a"),
      { name: "a/run", content: "x", mode: 0o755 },
      symlink("a/link", "run"),
      { name: "b", content: "not this" },
    ];
    expect(await unpack(gzipped(members))).toEqual(["link -> run", "run* = x"]);
    expect(await unpack(gzipped(members), { "base-dir": "" })).toEqual([
      "a/",
      "a/link -> run",
      "a/run* = x",
      "b = not this",
    ]);
  });

  test.each(["xz", "bzip2", "zstd", "lzip", "lzma"])("reads %s", async (program) => {
    const command = program === "lzma" ? ["xz", "--format=lzma"] : program === "lzip" ? ["lzip"] : [program];
    if (spawnSync(command[0] ?? "", ["--version"]).error !== undefined) {
      console.log(`skipped: ${program} is not installed`);
      return;
    }
    const packed = execFileSync(command[0] ?? "", [...command.slice(1), "-c"], {
      input: archive([{ name: "a/file", content: "packed" }]),
    });
    expect(await unpack(packed)).toEqual(["file = packed"]);
  });

  test("streams files that are larger than what it keeps in memory", async () => {
    const content = Buffer.alloc(9_000_001, "large ");
    const { tree } = await unpacked(
      gzipped([
        { name: "a/large", content },
        { name: "a/small", content: "s" },
      ]),
    );
    const node = tree.lookup("large");
    const hash = createHash("sha256").update(content).digest("hex");
    expect(node).toMatchObject({ kind: "file", digest: { hash, size: content.length } });
    expect(tree.exists("small")).toBe(true);
  });

  test.each([
    ["absolute", "absolute path"],
    ["above", "outside the destination"],
    ["hard-link-above", "outside the destination"],
    ["hard-link-absolute", "absolute path"],
    ["through-absolute-link", "outside the destination"],
    ["damaged-header", "a header is damaged"],
    ["short", "ends in the middle"],
    ["not-tar", "no tar archive"],
  ])("refuses %s", async (name, reason) => {
    const { bytes = Buffer.alloc(0), baseDirectory } = shapes.find((shape) => shape.name === name) ?? {};
    const attempt = unpack(bytes, baseDirectory === undefined ? {} : { "base-dir": baseDirectory });
    await expect(attempt).rejects.toThrow(reason);
    await expect(attempt).rejects.toMatchObject({ domain: "source", reason: null });
  });

  test("refuses names that are not UTF-8", async () => {
    const members: Member[] = [{ name: "a/x", patch: new Map([[2, Buffer.from([0xff])]]) }];
    await expect(unpack(archive(members))).rejects.toThrow("not UTF-8");
  });
});

describe.skipIf(absent !== undefined)("tar, as BuildStream unpacks it", () => {
  /** Of what each archive was unpacked to, by its shape; undefined where that failed. */
  const digests = new Map<string, string | undefined>();

  beforeAll(async () => {
    const folder = tempDir("shapes");
    const config = cacheConfig();
    writeFiles(folder, { "project.conf": "name: shapes\nmin-version: 2.0\nelement-path: elements\n" });
    for (const { name, bytes, baseDirectory } of shapes) {
      const url = `file://${folder}/${name}.tar`;
      const ref = createHash("sha256").update(bytes).digest("hex");
      writeFileSync(join(folder, `${name}.tar`), bytes);
      const base = baseDirectory === undefined ? "" : `  base-dir: '${baseDirectory}'\n`;
      writeFiles(folder, {
        [`elements/${name}.bst`]: `kind: import\nsources:\n- kind: tar\n  url: ${url}\n  ref: ${ref}\n${base}`,
      });
    }
    const { BST_ORACLE = join(homedir(), ".cache/bst-ts-oracle") } = process.env;
    const bst = [join(BST_ORACLE, "venv/bin/bst"), "--no-colors"];
    const names = shapes.map(({ name }) => `${name}.bst`);
    const options = { cwd: folder, config, timeoutMs: 200_000 };
    await runCommand(bst, ["--on-error", "continue", "build", ...names], options);
    const format = "%{name} %{state} %{artifact-cas-digest}";
    const shown = await runCommand(bst, ["show", "--deps", "none", "--format", format, ...names], options);
    for (const line of shown.stdout.trim().split("\n")) {
      const [name = "", state, digest] = line.split(" ");
      digests.set(name.replace(".bst", ""), state === "cached" ? digest : undefined);
    }
  }, 240_000);

  test.each(shapes.map((shape): [string, Shape] => [shape.name, shape]))("%s", async (name, shape) => {
    expect(digests.size).toBe(shapes.length);
    const theirs = digests.get(name);
    let ours: string | undefined;
    try {
      const base = shape.baseDirectory;
      const { tree } = await unpacked(shape.bytes, base === undefined ? {} : { "base-dir": base });
      ours = formatDigest(tree.digest());
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
    }
    if (shape.stricter === undefined) expect(ours).toBe(theirs);
    else expect({ ours, theirs }).toEqual({ ours: undefined, theirs: expect.any(String) });
  });
});
