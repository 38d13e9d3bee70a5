import fs from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { importLocal, importLocalFile } from "../../src/cas/import.ts";
import { LocalIndex, lastingIdentity } from "../../src/cas/local-index.ts";
import type { Cas } from "../../src/cas/store.ts";
import { checkedObjects, digestOfLayout, temporaryCas, temporaryDirectory } from "./helpers.ts";

const LAYOUT = { a: { b: { f: "one", g: "* two" }, link: "-> b" }, h: "one" };

let cas: Cas;
let directory: string;
let kept: string;
let clock: number;

beforeEach(() => {
  cas = temporaryCas();
  directory = temporaryDirectory();
  kept = temporaryDirectory();
  writeFiles();
  // Old enough to be trusted.
  clock = Date.now() + 10_000;
  vi.spyOn(Date, "now").mockImplementation(() => clock);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function writeFiles(): void {
  fs.mkdirSync(`${directory}/a/b`, { recursive: true });
  fs.writeFileSync(`${directory}/a/b/f`, "one");
  fs.writeFileSync(`${directory}/a/b/g`, "two", { mode: 0o755 });
  fs.writeFileSync(`${directory}/h`, "one");
  fs.symlinkSync("b", `${directory}/a/link`);
}

/** As a run of the program does: the index is loaded, used and saved. */
function run(options: { store?: "all" | "new" | "none"; mtimes?: boolean } = {}): { digest: Digest; read: string[] } {
  const index = new LocalIndex(kept);
  const open = vi.spyOn(fs, "openSync");
  const list = vi.spyOn(fs, "readdirSync");
  const digest = importLocal(cas, directory, { index, ...options });
  const read = [...open.mock.calls, ...list.mock.calls].map(([path]) => String(path));
  open.mockRestore();
  list.mockRestore();
  index.save();
  const ofDirectory = read.filter((path) => path.startsWith(directory));
  return { digest, read: ofDirectory.map((path) => path.slice(directory.length + 1)).sort() };
}

const digestOnly = { store: "none" } as const;

test("what did not change is not read again", () => {
  const first = run(digestOnly);
  expect(first.digest).toEqual(digestOfLayout(temporaryCas(), LAYOUT));
  expect(first.read).toEqual(["", "a", "a/b", "a/b/f", "a/b/g", "h"]);
  expect(run(digestOnly)).toEqual({ digest: first.digest, read: [] });
  expect(fs.existsSync(cas.root)).toBe(false);
});

test("an index that did not change is not written", () => {
  run(digestOnly);
  const write = vi.spyOn(fs, "writeFileSync");
  run(digestOnly);
  expect(write).not.toHaveBeenCalled();
});

test.each([
  ["content", () => fs.writeFileSync(`${directory}/a/b/f`, "two"), { ...LAYOUT.a.b, f: "two" }, ["a/b/f"]],
  [
    "content, with the time set back",
    () => {
      const { atime, mtime } = fs.statSync(`${directory}/a/b/f`);
      fs.writeFileSync(`${directory}/a/b/f`, "two");
      fs.utimesSync(`${directory}/a/b/f`, atime, mtime);
    },
    { ...LAYOUT.a.b, f: "two" },
    ["a/b/f"],
  ],
  ["mode", () => fs.chmodSync(`${directory}/a/b/f`, 0o755), { ...LAYOUT.a.b, f: "* one" }, ["a/b/f"]],
  ["new file", () => fs.writeFileSync(`${directory}/a/b/n`, "new"), { ...LAYOUT.a.b, n: "new" }, ["a/b", "a/b/n"]],
  ["removed file", () => fs.rmSync(`${directory}/a/b/f`), { g: "* two" }, ["a/b"]],
  [
    "renamed file",
    () => fs.renameSync(`${directory}/a/b/f`, `${directory}/a/b/r`),
    { r: "one", g: "* two" },
    ["a/b", "a/b/r"],
  ],
  [
    "symlink in a file's place",
    () => {
      fs.rmSync(`${directory}/a/b/f`);
      fs.symlinkSync("g", `${directory}/a/b/f`);
    },
    { ...LAYOUT.a.b, f: "-> g" },
    ["a/b"],
  ],
])("a change is found, and no more is read: %s", (_, change, changed, read) => {
  for (const options of [digestOnly, {}]) {
    run(options);
    change();
    const layout = { ...LAYOUT, a: { ...LAYOUT.a, b: changed } };
    expect(run(options)).toEqual({ digest: digestOfLayout(temporaryCas(), layout), read });
    expect(run(options).read).toEqual([]);
    cas = temporaryCas();
    fs.rmSync(directory, { recursive: true });
    writeFiles();
  }
});

test("blobs that the index knows and the store does not are stored", () => {
  const { digest } = run(digestOnly);
  expect(run().digest).toEqual(digest);
  expect(cas.hasTree(digest)).toBe(true);
  expect(run().read).toEqual([]);
  for (const content of ["two", ""]) fs.rmSync(cas.objectPath(digestOf(content)), { force: true });
  expect(run().read).toEqual(["a/b/g"]);
  fs.rmSync(cas.objectPath(digest));
  run();
  expect(cas.hasTree(digest)).toBe(true);
  checkedObjects(cas);
});

test("directories have digests of their own with times", () => {
  const times = { ...digestOnly, mtimes: true };
  const [plain, dated] = [run(digestOnly).digest, run(times).digest];
  expect(dated).not.toEqual(plain);
  expect(run(digestOnly)).toEqual({ digest: plain, read: [] });
  expect(run(times)).toEqual({ digest: dated, read: [] });
  fs.utimesSync(`${directory}/a/b`, 5, 5);
  expect(run(times).digest).not.toEqual(dated);
  expect(run(digestOnly).digest).toEqual(plain);
});

test("single files are remembered too", () => {
  const file = `${directory}/a/b/g`;
  const once = () => {
    const index = new LocalIndex(kept);
    const open = vi.spyOn(fs, "openSync");
    const result = importLocalFile(cas, file, { index, ...digestOnly });
    const opened = open.mock.calls.some(([path]) => path === file);
    open.mockRestore();
    index.save();
    return { ...result, opened };
  };
  expect(once()).toEqual({ digest: digestOf("two"), executable: true, opened: true });
  expect(once()).toEqual({ digest: digestOf("two"), executable: true, opened: false });
  fs.chmodSync(file, 0o644);
  expect(once()).toEqual({ digest: digestOf("two"), executable: false, opened: true });
});

describe("what is too young", () => {
  test("is read again, as it could change without a trace", () => {
    clock = Number(fs.statSync(`${directory}/a/b/f`, { bigint: true }).ctimeNs / 1_000_000n) + 10;
    run(digestOnly);
    expect(run(digestOnly).read).toContain("a/b/f");
    clock += 10_000;
    run(digestOnly);
    expect(run(digestOnly).read).toEqual([]);
  });

  test("is what changed in the same tick of the file system's clock", () => {
    const at = (ctimeMs: number) => ({ size: 1, mtimeMs: 0, ctimeMs, ino: 1, dev: 1 });
    expect(lastingIdentity(at(1_000_300), 1_000_340)).toBeUndefined();
    expect(lastingIdentity(at(1_000_300), 1_000_360)).toEqual(at(1_000_300));
    // A file system that knows whole seconds only, or even ones.
    expect(lastingIdentity(at(1_000_000), 1_002_000)).toBeUndefined();
    expect(lastingIdentity(at(1_000_000), 1_003_000)).toEqual(at(1_000_000));
    // A clock that was set back.
    expect(lastingIdentity(at(1_000_300), 900_000)).toBeUndefined();
  });
});

describe("the file", () => {
  const file = () => `${kept}/local-index`;

  test.each([
    ["empty", (bytes: Buffer) => bytes.subarray(0, 0)],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["of another version", (bytes: Buffer) => Buffer.from(bytes).fill("9", 15, 16)],
    ["damaged", (bytes: Buffer) => Buffer.from(bytes).fill("\x01", bytes.length - 20, bytes.length - 19)],
    ["not an index", () => Buffer.from("x".repeat(1000))],
  ])("is ignored if it is %s", (_, damage) => {
    const { digest, read } = run(digestOnly);
    fs.writeFileSync(file(), damage(fs.readFileSync(file())));
    expect(run(digestOnly)).toEqual({ digest, read });
    expect(run(digestOnly).read).toEqual([]);
  });

  test("forgets directories that are gone, and keeps those that were not asked for", () => {
    const other = temporaryDirectory();
    const index = new LocalIndex(kept);
    importLocal(cas, other, { index, ...digestOnly });
    index.save();
    run(digestOnly);
    fs.rmSync(`${directory}/a`, { recursive: true });
    run(digestOnly);
    const records = new LocalIndex(kept);
    expect(
      [other, directory, `${directory}/a`, `${directory}/a/b`].map((key) => records.get(key) !== undefined),
    ).toEqual([true, true, false, false]);
  });

  test("that can't be written is no error", () => {
    kept = `${directory}/h/no-directory`;
    expect(run(digestOnly).digest).toEqual(digestOfLayout(temporaryCas(), LAYOUT));
  });
});
