import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { expect, test } from "vitest";
import { formatDigest } from "../../src/cas/digest.ts";
import { importLocal, importLocalFile } from "../../src/cas/import.ts";
import { Tree } from "../../src/cas/tree.ts";
import { digestOfLayout, layoutOf, temporaryCas, temporaryDirectory } from "./helpers.ts";

/** The directory whose tree BuildStream 2.8.1 gave the digest below. */
function writeExample(): string {
  const directory = temporaryDirectory();
  fs.mkdirSync(`${directory}/sub/empty`, { recursive: true });
  fs.mkdirSync(`${directory}/empty2`);
  fs.writeFileSync(`${directory}/a.txt`, "hi\n");
  fs.writeFileSync(`${directory}/run.sh`, "#!/bin/sh\n");
  fs.symlinkSync("../nope", `${directory}/sub/l`);
  fs.symlinkSync("sub", `${directory}/dl`);
  fs.chmodSync(`${directory}/run.sh`, 0o711);
  return directory;
}

const EXAMPLE = "de8f2dff4852d28f6f971892b58d6ef3d9e3bf603c73696a48f4197461d0ba92/327";

test("a directory has the tree that BuildStream makes of it", () => {
  const cas = temporaryCas();
  const directory = writeExample();
  const digest = importLocal(cas, directory);
  expect(formatDigest(digest)).toBe(EXAMPLE);
  expect(cas.hasTree(digest)).toBe(true);
  expect(layoutOf(new Tree(cas, digest))).toEqual({
    "a.txt": "hi\n",
    dl: "-> sub",
    empty2: {},
    "run.sh": "* #!/bin/sh\n",
    sub: { empty: {}, l: "-> ../nope" },
  });
});

test("only the owner's right to execute counts, not other modes, owners or the umask", () => {
  const cas = temporaryCas();
  const directory = writeExample();
  fs.chmodSync(`${directory}/a.txt`, 0o4677);
  fs.chmodSync(`${directory}/run.sh`, 0o500);
  fs.chmodSync(`${directory}/sub`, 0o700);
  fs.utimesSync(`${directory}/a.txt`, 0, 0);
  if (process.getuid?.() === 0) fs.lchownSync(`${directory}/sub/l`, 1234, 5678);
  const umask = process.umask(0o077);
  expect(formatDigest(importLocal(cas, directory))).toBe(EXAMPLE);
  process.umask(umask);
});

test("sockets and pipes are left out", async () => {
  const cas = temporaryCas();
  const directory = writeExample();
  execFileSync("mkfifo", [`${directory}/pipe`]);
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(`${directory}/socket`, resolve));
  expect(formatDigest(importLocal(cas, directory))).toBe(EXAMPLE);
  server.close();
});

test("only digests are computed where blobs are not asked for", () => {
  const cas = temporaryCas();
  const directory = writeExample();
  expect(formatDigest(importLocal(cas, directory, { store: "none" }))).toBe(EXAMPLE);
  importLocalFile(cas, `${directory}/a.txt`, { store: "none" });
  expect(fs.existsSync(cas.root)).toBe(false);
});

test("times are those that buildbox-casd captures for workspaces", () => {
  const cas = temporaryCas();
  const directory = writeExample();
  fs.utimesSync(`${directory}/a.txt`, 1795258065.304158, 1795258065.304158);
  execFileSync("touch", ["-d", "@-1.5", `${directory}/run.sh`]);
  fs.utimesSync(`${directory}/sub`, 5, 5);
  const digest = importLocal(cas, directory, { mtimes: true });
  const { files, directories, symlinks, mtime } = cas.readDirectory(digest);
  const { mtimeNs } = fs.statSync(`${directory}/a.txt`, { bigint: true });
  const nanos = Number(mtimeNs % 1_000_000_000n);
  expect(files.map((file) => file.mtime)).toEqual([
    { seconds: 1795258065, nanos: nanos - (nanos % 1000) },
    { seconds: -2, nanos: 500_000_000 },
  ]);
  expect(mtime?.seconds).toBe(Math.floor(fs.statSync(directory).mtimeMs / 1000));
  expect(directories.map((node) => cas.readDirectory(node.digest).mtime?.seconds)[1]).toBe(5);
  expect(symlinks).toEqual([{ name: "dl", target: "sub" }]);
  const { mtime: none, ...below } = cas.readDirectory(importLocal(cas, directory, { mtimes: "below" }));
  expect([none, below]).toEqual([undefined, { files, directories, symlinks }]);
});

test("a single file, also by a symlink", () => {
  const cas = temporaryCas();
  const directory = writeExample();
  fs.symlinkSync("run.sh", `${directory}/link`);
  const digest = cas.write("#!/bin/sh\n");
  expect(importLocalFile(cas, `${directory}/run.sh`)).toEqual({ digest, executable: true });
  expect(importLocalFile(cas, `${directory}/link`)).toEqual({ digest, executable: true });
  expect(importLocalFile(cas, `${directory}/a.txt`).executable).toBe(false);
});

test("the replacement character is a character, but bytes that are no UTF-8 are an error", () => {
  const cas = temporaryCas();
  const directory = temporaryDirectory();
  fs.writeFileSync(`${directory}/a\ufffdb`, "one");
  fs.symlinkSync("a\ufffdb", `${directory}/link`);
  expect(importLocal(cas, directory)).toEqual(digestOfLayout(cas, { "a\ufffdb": "one", link: "-> a\ufffdb" }));
  const notUtf8 = { domain: "cas", message: expect.stringContaining("is not UTF-8") };
  fs.symlinkSync(Buffer.from("a\xffb", "latin1"), `${directory}/bad`);
  expect(() => importLocal(cas, directory)).toThrow(expect.objectContaining(notUtf8));
  fs.rmSync(`${directory}/bad`);
  fs.writeFileSync(Buffer.from(`${directory}/a\xffc`, "latin1"), "one");
  expect(() => importLocal(cas, directory)).toThrow(expect.objectContaining(notUtf8));
});

test.each(["missing", "a.txt"])("importing %s as a directory is an error of the cache", (name) => {
  const directory = writeExample();
  expect(() => importLocal(temporaryCas(), `${directory}/${name}`)).toThrow(expect.objectContaining({ domain: "cas" }));
});

test("importing a directory as a file is an error of the cache", () => {
  expect(() => importLocalFile(temporaryCas(), writeExample())).toThrow(expect.objectContaining({ domain: "cas" }));
});
