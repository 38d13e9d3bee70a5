import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { digestOf, digestOfFile, formatDigest, parseDigest } from "../../src/cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../../src/cas/directory.ts";
import type { Cas } from "../../src/cas/store.ts";
import { ABSENT, checkedObjects, digestOfLayout, temporaryCas, temporaryDirectory } from "./helpers.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function leftovers(cas: Cas): string[] {
  return fs.existsSync(cas.temporaryDirectory) ? fs.readdirSync(cas.temporaryDirectory) : [];
}

async function* chunks(...list: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of list) yield Buffer.from(chunk);
}

const HELLO = digestOf("hello");

test("stores a blob where buildbox-casd has it, read-only whatever the umask", () => {
  const cas = temporaryCas();
  const umask = process.umask(0o077);
  const digest = cas.write("hello");
  process.umask(umask);
  expect(formatDigest(digest)).toBe("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824/5");
  const file = `${cas.root}/objects/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824`;
  expect(cas.objectPath(digest)).toBe(file);
  expect(fs.statSync(file).mode & 0o7777).toBe(0o444);
  expect(cas.read(digest).toString()).toBe("hello");
  expect(cas.write(Buffer.from("hello"))).toEqual(digest);
  expect(leftovers(cas)).toEqual([]);
});

test("a digest is read from text and printed", () => {
  expect(parseDigest(formatDigest(HELLO))).toEqual(HELLO);
  for (const text of ["", "2cf24d/5", `${HELLO.hash}`, `${HELLO.hash}/-1`, `${HELLO.hash}/5/5`]) {
    expect(parseDigest(text)).toBeUndefined();
  }
});

test("a missing or damaged blob is an error of the cache, and is stored again", () => {
  const cas = temporaryCas();
  const missing = { domain: "cas", message: expect.stringContaining("not found") };
  expect(cas.has(ABSENT)).toBe(false);
  for (const read of [() => cas.read(ABSENT), () => cas.createReadStream(ABSENT), () => cas.readDirectory(ABSENT)]) {
    expect(read).toThrow(expect.objectContaining(missing));
  }
  fs.mkdirSync(`${cas.root}/objects/${HELLO.hash.slice(0, 2)}`, { recursive: true });
  fs.writeFileSync(cas.objectPath(HELLO), "");
  const damaged = { domain: "cas", message: expect.stringContaining("damaged") };
  const read = () => cas.readPieces(HELLO, () => {});
  for (const use of [() => cas.read(HELLO), () => cas.createReadStream(HELLO), read]) {
    expect(use).toThrow(expect.objectContaining(damaged));
  }
  expect(cas.has(HELLO)).toBe(false);
  cas.write("hello");
  expect(cas.read(HELLO).toString()).toBe("hello");
});

test.each([0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])("imports a file of %d bytes", (size) => {
  const cas = temporaryCas();
  const file = `${temporaryDirectory()}/file`;
  const bytes = Buffer.alloc(size, "0123456789abcdef-");
  fs.writeFileSync(file, bytes);
  const digest = cas.importFile(file);
  expect(digest).toEqual(digestOf(bytes));
  expect(digestOfFile(file)).toEqual(digest);
  expect(cas.read(digest).equals(bytes)).toBe(true);
  expect(cas.importFile(file)).toEqual(digest);
  const pieces: Buffer[] = [];
  cas.readPieces(digest, (piece) => pieces.push(Buffer.from(piece)));
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(leftovers(cas)).toEqual([]);
});

describe("importStream", () => {
  test("keeps little of a large blob in memory", async () => {
    const count = 300;
    let peak = 0;
    async function* large() {
      for (let i = 0; i < count; i++) {
        // As long as anything that the signal knows of holds on to them, they stay.
        yield Buffer.alloc(1 << 20, i);
        peak = Math.max(peak, process.memoryUsage().arrayBuffers);
      }
    }
    const before = process.memoryUsage().arrayBuffers;
    const digest = await temporaryCas().importStream(large(), { signal: new AbortController().signal });
    expect(digest.size).toBe(count << 20);
    expect(peak - before).toBeLessThan((count / 2) << 20);
  });

  test("stores what comes, and reads it as a stream", async () => {
    const cas = temporaryCas();
    expect(await cas.importStream(chunks("he", "", "llo"), { expected: HELLO })).toEqual(HELLO);
    const read: Buffer[] = [];
    for await (const chunk of cas.createReadStream(HELLO)) read.push(chunk);
    expect(Buffer.concat(read).toString()).toBe("hello");
    expect(leftovers(cas)).toEqual([]);
  });

  test("refuses what is not expected", async () => {
    const cas = temporaryCas();
    const result = cas.importStream(chunks("hell"), { expected: HELLO });
    await expect(result).rejects.toMatchObject({ domain: "cas", message: expect.stringContaining(HELLO.hash) });
    expect(cas.has(digestOf("hell"))).toBe(false);
    expect(leftovers(cas)).toEqual([]);
  });

  test("leaves nothing when the source fails", async () => {
    const cas = temporaryCas();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("hel");
      throw new Error("connection reset");
    }
    await expect(cas.importStream(failing())).rejects.toThrow("connection reset");
    expect(leftovers(cas)).toEqual([]);
  });

  test("stops at once when aborted, also while it waits", async () => {
    const cas = temporaryCas();
    const controller = new AbortController();
    let waits = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("hel");
      waits();
      await setTimeout(2 ** 30, undefined, { ref: false });
    }
    const result = cas.importStream(endless(), { signal: controller.signal });
    await waiting;
    expect(leftovers(cas)).toHaveLength(1);
    controller.abort(new Error("interrupted"));
    await expect(result).rejects.toThrow("interrupted");
    expect(leftovers(cas)).toEqual([]);
    await expect(cas.importStream(chunks("x"), { signal: controller.signal })).rejects.toThrow("interrupted");
  });
});

describe("a full disk", () => {
  test.each([
    ["openSync", "ENOSPC"],
    ["writeSync", "ENOSPC"],
    ["linkSync", "EDQUOT"],
  ] as const)("in %s with %s is a clear error and leaves nothing", (call, code) => {
    const cas = temporaryCas();
    const file = `${temporaryDirectory()}/file`;
    fs.writeFileSync(file, Buffer.alloc(2 << 20, "x"));
    cas.write("prepared");
    const full = Object.assign(new Error(`${code}: no space left on device`), { code });
    const original = fs[call] as (...args: unknown[]) => unknown;
    if (call === "linkSync")
      vi.spyOn(fs, "renameSync").mockImplementation(() => {
        throw full;
      });
    vi.spyOn(fs, call).mockImplementation((...args: unknown[]) => {
      if (args[0] === file) return original(...args) as never;
      throw full;
    });
    const tooFull = { domain: "cas", reason: "cache-too-full" };
    expect(() => cas.write("hello")).toThrow(expect.objectContaining(tooFull));
    expect(() => cas.importFile(file)).toThrow(expect.objectContaining(tooFull));
    vi.restoreAllMocks();
    expect(leftovers(cas)).toEqual([]);
    expect(checkedObjects(cas)).toHaveLength(1);
    cas.write("hello");
    expect(cas.has(HELLO)).toBe(true);
  });
});

test("removes what a killed process left a day ago, and nothing else", () => {
  const cas = temporaryCas();
  fs.mkdirSync(cas.temporaryDirectory, { recursive: true });
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  for (const name of ["bst-ts.old", "bst-ts.young", "casd-old"]) {
    fs.writeFileSync(`${cas.temporaryDirectory}/${name}`, "half");
    if (name.endsWith("old")) fs.utimesSync(`${cas.temporaryDirectory}/${name}`, dayAgo, dayAgo);
  }
  cas.write("hello");
  expect(leftovers(cas)).toEqual(["bst-ts.young", "casd-old"]);
});

describe("hasTree", () => {
  const layout = { a: { b: { file: "content" } }, c: "other" };

  test("needs every directory and every file", () => {
    for (const missing of ["content", "other"]) {
      const cas = temporaryCas();
      const digest = digestOfLayout(cas, layout);
      fs.rmSync(cas.objectPath(digestOf(missing)));
      expect(cas.hasTree(digest)).toBe(false);
      cas.write(missing);
      expect(cas.hasTree(digest)).toBe(true);
    }
    const cas = temporaryCas();
    const digest = digestOfLayout(cas, layout);
    fs.rmSync(cas.objectPath(digestOfLayout(temporaryCas(), layout.a)));
    expect(cas.hasTree(digest)).toBe(false);
  });

  test("remembers that a tree is there", () => {
    const cas = temporaryCas();
    const digest = digestOfLayout(cas, layout);
    expect(cas.hasTree(digest)).toBe(true);
    const stat = vi.spyOn(fs, "statSync");
    expect(cas.hasTree(digest)).toBe(true);
    expect(stat).not.toHaveBeenCalled();
  });
});

test("the empty directory is there without a blob", () => {
  expect(temporaryCas().readDirectory(EMPTY_DIRECTORY_DIGEST).files).toEqual([]);
});
