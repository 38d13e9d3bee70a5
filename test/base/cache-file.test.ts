/** Files of caches: whole or not at all, and never a reason to fail. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  keepNewestFiles,
  readCacheFile,
  readCacheLines,
  writeCacheFile,
  writeCacheLines,
} from "../../src/base/cache-file.ts";
import { tempDir } from "../helpers.ts";

test("pieces are written one after the other, into a folder that is made", () => {
  const file = join(tempDir("cache"), "a/b/file");
  const long = "é".repeat(3 << 20);
  expect(writeCacheFile(file, ["one", Buffer.from("two"), "", long])).toBe(true);
  expect(readCacheFile(file)?.equals(Buffer.from(`onetwo${long}`))).toBe(true);
  expect(readdirSync(join(file, ".."))).toEqual(["file"]);
});

test("what can't be written or read is left", () => {
  const directory = tempDir("cache");
  writeFileSync(join(directory, "file"), "");
  expect(writeCacheFile(join(directory, "file/below"), ["x"])).toBe(false);
  mkdirSync(join(directory, "folder"));
  expect(writeCacheFile(join(directory, "folder"), ["x"])).toBe(false);
  expect(readCacheFile(join(directory, "folder"))).toBeUndefined();
  expect(readdirSync(directory).sort()).toEqual(["file", "folder"]);
});

test("of a folder the files are kept that were written last", () => {
  const directory = tempDir("cache");
  for (const [time, name] of ["c", "a", "d", "b"].entries()) {
    writeFileSync(join(directory, name), "");
    utimesSync(join(directory, name), time, time);
  }
  keepNewestFiles(directory, 4);
  expect(readdirSync(directory)).toHaveLength(4);
  keepNewestFiles(directory, 2);
  expect(readdirSync(directory).sort()).toEqual(["b", "d"]);
  keepNewestFiles(join(directory, "missing"), 1);
});

test("a fault of the program is no reason to be silent, and leaves nothing", () => {
  const directory = tempDir("cache");
  const pieces = function* () {
    yield "x";
    throw new RangeError("a fault");
  };
  expect(() => writeCacheFile(join(directory, "file"), pieces())).toThrow("a fault");
  expect(readdirSync(directory)).toEqual([]);
});

test("lines are read back by their keys", () => {
  const file = join(tempDir("cache"), "lines");
  const entries = [
    ["", "empty"],
    ["a b", "tab\there"],
    ["é", ""],
  ] as const;
  writeCacheLines(file, "header 1", [...entries, ["tab\t", "left out"], ["line\n", "left out"]]);
  expect([...readCacheLines(file, "header 1")]).toEqual(entries);
  expect(readCacheLines(file, "header").size).toBe(0);
  expect(readCacheLines(`${file}.missing`, "header 1").size).toBe(0);
});

test("what is damaged holds what is whole", () => {
  const file = join(tempDir("cache"), "lines");
  writeCacheLines(file, "header", [
    ["a", "1"],
    ["b", "2"],
  ]);
  chmodSync(file, 0o644);
  writeFileSync(file, `${readFileSync(file, "utf8").slice(0, -2)}`);
  expect([...readCacheLines(file, "header")]).toEqual([["a", "1"]]);
  writeFileSync(file, "header\nno tab\nc\t3\n");
  expect([...readCacheLines(file, "header")]).toEqual([["c", "3"]]);
});
