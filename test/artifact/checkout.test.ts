/** Checkouts to folders and archives. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkoutDirectory,
  checkoutTar,
  prepareDirectory,
  prepareFile,
  writeTar,
} from "../../src/artifact/checkout.ts";
import { tarChunks } from "../../src/artifact/tar.ts";
import { digestOf } from "../../src/cas/digest.ts";
import { Tree } from "../../src/cas/tree.ts";
import { digestOfLayout, type Layout, temporaryCas } from "../cas/helpers.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";

const LAYOUT: Layout = {
  usr: { bin: { hello: "* #!/bin/sh\n", link: "-> ../include/h.h" }, include: { "h.h": "header" } },
  empty: {},
  "a.txt": "a",
  é: "accent",
  ["long".repeat(40)]: { ["name".repeat(40)]: "deep" },
};
const signal = new AbortController().signal;

function collect(chunks: Iterable<Uint8Array>): Buffer {
  const copies: Buffer[] = [];
  for (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

describe("checkout to a folder", () => {
  test("has the tree's files, modes and links", () => {
    const cas = temporaryCas();
    const location = join(tempDir(), "out");
    prepareDirectory(location, false);
    checkoutDirectory(cas, digestOfLayout(cas, LAYOUT), location, false);
    expect(fs.readFileSync(join(location, "usr/bin/hello"), "utf8")).toBe("#!/bin/sh\n");
    expect(fs.statSync(join(location, "usr/bin/hello")).mode & 0o777).toBe(0o755);
    expect(fs.statSync(join(location, "usr/include/h.h")).mode & 0o777).toBe(0o644);
    expect(fs.readlinkSync(join(location, "usr/bin/link"))).toBe("../include/h.h");
    expect(fs.readdirSync(join(location, "empty"))).toEqual([]);
  });

  test("by hard links shares files and not modes", () => {
    const cas = temporaryCas();
    const tree = digestOfLayout(cas, { x: "* same", y: "same", z: "same" });
    const location = tempDir();
    checkoutDirectory(cas, tree, location, true);
    const [x, y, z] = ["x", "y", "z"].map((name) => fs.statSync(join(location, name)));
    expect(y?.ino).toBe(z?.ino);
    expect((x?.mode ?? 0) & 0o111).toBe(0o111);
    expect((y?.mode ?? 0) & 0o111).toBe(0);
  });

  test("needs an empty folder, or force", () => {
    const location = tempDir();
    writeFiles(location, { "file.txt": "old", "mine.txt": "mine" });
    expect(() => prepareDirectory(location, false)).toThrow(
      expect.objectContaining({ domain: "stream", reason: null }),
    );
    const cas = temporaryCas();
    prepareDirectory(location, true);
    checkoutDirectory(cas, digestOfLayout(cas, { "file.txt": "new" }), location, false);
    expect(fs.readFileSync(join(location, "file.txt"), "utf8")).toBe("new");
    expect(fs.readFileSync(join(location, "mine.txt"), "utf8")).toBe("mine");
    expect(() => prepareDirectory(join(location, "file.txt/x"), true)).toThrow(
      expect.objectContaining({ domain: "stream" }),
    );
  });

  test.each([false, true])("never writes through a link that is there, hardlinks %s", (hardlinks) => {
    const outside = tempDir();
    writeFiles(outside, { "kept.txt": "kept" });
    const location = tempDir();
    writeFiles(location, { dir: { symlink: outside }, "file.txt": { symlink: join(outside, "kept.txt") } });
    const cas = temporaryCas();
    checkoutDirectory(cas, digestOfLayout(cas, { "file.txt": "new" }), location, hardlinks);
    expect(fs.lstatSync(join(location, "file.txt")).isSymbolicLink()).toBe(false);
    expect(() => checkoutDirectory(cas, digestOfLayout(cas, { dir: { x: "x" } }), location, hardlinks)).toThrow(
      expect.objectContaining({ domain: "cas" }),
    );
    expect(fs.readdirSync(outside)).toEqual(["kept.txt"]);
    expect(fs.readFileSync(join(outside, "kept.txt"), "utf8")).toBe("kept");
  });
});

describe("checkout to an archive", () => {
  test.skipIf(absent)("has the members that BuildStream writes", () => {
    const cas = temporaryCas();
    const tree = digestOfLayout(cas, LAYOUT);
    const archive = join(tempDir(), "ours.tar");
    fs.writeFileSync(archive, collect(tarChunks(cas, tree)));
    const script = `
import io, tarfile
from buildstream.storage._casbaseddirectory import CasBasedDirectory
from buildstream._protos.build.bazel.remote.execution.v2.remote_execution_pb2 import Digest
class Cas:
    def __init__(self, root):
        self.root = root
    def objpath(self, digest):
        return f"{self.root}/objects/{digest.hash[:2]}/{digest.hash[2:]}"
    def ensure_tree(self, digest):
        pass
def members(archive):
    with tarfile.open(fileobj=archive) as tar:
        return [[m.name, m.mode, m.uid, m.gid, m.uname, m.gname, m.size, int(m.mtime), m.type.decode(), m.linkname,
                 tar.extractfile(m).read().decode() if m.isreg() else None] for m in tar]
def answer(question):
    root, hash, size, path = question
    with open(path, "rb") as f:
        ours = members(f)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:") as tar:
        CasBasedDirectory(Cas(root), digest=Digest(hash=hash, size_bytes=size)).export_to_tar(tar, ".")
    out.seek(0)
    return [ours, members(out)]
`;
    const [answer] = askEach<[unknown[], unknown[]]>(script, [[cas.root, tree.hash, tree.size, archive]]);
    const [ours, theirs] = answer?.value ?? [];
    expect(theirs?.length).toBeGreaterThan(8);
    expect(ours).toEqual(theirs);
  });

  test("is the same twice, and what tar reads", () => {
    const cas = temporaryCas();
    // More than a chunk, at sizes around those of blocks.
    const layout: Layout = Object.fromEntries(
      [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1, 3 << 20].map((size) => [`f${size}`, "x".repeat(size)]),
    );
    const tree = digestOfLayout(cas, layout);
    const bytes = collect(tarChunks(cas, tree));
    expect(collect(tarChunks(cas, tree)).equals(bytes)).toBe(true);
    expect(bytes.length % 512).toBe(0);
    const out = tempDir();
    execFileSync("tar", ["-x", "-C", out], { input: bytes });
    for (const [name, content] of Object.entries(layout)) {
      expect(fs.readFileSync(join(out, name), "utf8") === content, name).toBe(true);
    }
  });

  test.each([
    ["gz", "gzip"],
    ["xz", "xz"],
    ["bz2", "bzip2"],
  ] as const)("compressed as %s is the same archive", async (compression, program) => {
    const cas = temporaryCas();
    const tree = digestOfLayout(cas, { ...LAYOUT, big: "big".repeat(1 << 20) });
    const location = join(tempDir(), "out.tar");
    await checkoutTar(cas, tree, location, { compression, signal });
    const again = join(tempDir(), "out.tar");
    await checkoutTar(cas, tree, again, { compression, signal });
    expect(fs.readFileSync(location).equals(fs.readFileSync(again))).toBe(true);
    const plain = execFileSync(program, ["-dc"], { input: fs.readFileSync(location), maxBuffer: 1 << 26 });
    expect(plain.equals(collect(tarChunks(cas, tree)))).toBe(true);
  });

  test("replaces a file only with force", async () => {
    const cas = temporaryCas();
    const location = join(tempDir(), "out.tar");
    prepareFile(location, false);
    fs.writeFileSync(location, "old");
    expect(() => prepareFile(location, false)).toThrow(expect.objectContaining({ domain: "stream", reason: null }));
    prepareFile(location, true);
    await checkoutTar(cas, digestOfLayout(cas, LAYOUT), location, { compression: undefined, signal });
    expect(fs.statSync(location).size).toBeGreaterThan(3);
  });

  test.each([undefined, "gz", "xz"] as const)(
    "leaves nothing behind when it fails, compression %s",
    async (compression) => {
      const cas = temporaryCas();
      const tree = new Tree(cas);
      tree.addFile("a", cas.write("a".repeat(1 << 21)), { executable: false });
      tree.addFile("missing", digestOf("nowhere"), { executable: false });
      const folder = tempDir();
      fs.writeFileSync(join(folder, "out.tar"), "old");
      await expect(
        checkoutTar(cas, tree.digest(), join(folder, "out.tar"), { compression, signal }),
      ).rejects.toMatchObject({ domain: "cas" });
      expect(fs.readdirSync(folder)).toEqual(["out.tar"]);
      expect(fs.readFileSync(join(folder, "out.tar"), "utf8")).toBe("old");
    },
  );

  test.each([undefined, "gz", "xz"] as const)("ends when it is interrupted, compression %s", async (compression) => {
    const cas = temporaryCas();
    const tree = digestOfLayout(cas, Object.fromEntries([..."abcdef"].map((name) => [name, name.repeat(1 << 21)])));
    const controller = new AbortController();
    const written = writeTar(cas, tree, () => controller.abort(), { compression, signal: controller.signal });
    await expect(written).rejects.toMatchObject({ name: "AbortError" });
  });

  test.each([undefined, "gz", "xz"] as const)("ends when nobody reads, compression %s", async (compression) => {
    const cas = temporaryCas();
    const tree = digestOfLayout(cas, Object.fromEntries([..."abcdef"].map((name) => [name, name.repeat(1 << 21)])));
    const closed = new Error("closed");
    const write = () => {
      throw closed;
    };
    await expect(writeTar(cas, tree, write, { compression, signal })).rejects.toBe(closed);
  });
});
