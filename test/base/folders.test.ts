import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolders } from "../../src/base/folders.ts";
import { tempDir } from "../helpers.ts";

test("folders are made with those above them, and the first is told", () => {
  const dir = tempDir();
  mkdirSync(join(dir, "a"));
  expect(makeFolders(join(dir, "a/b/c"))).toBe(join(dir, "a/b"));
  expect(existsSync(join(dir, "a/b/c"))).toBe(true);
  expect(makeFolders(join(dir, "a/b/c"))).toBeUndefined();
});

test("folders that can't be are not tried without end", () => {
  expect(() => makeFolders("/proc/none/below")).toThrow(/ENOENT/);
  const dir = tempDir();
  writeFileSync(join(dir, "file"), "");
  expect(() => makeFolders(join(dir, "file/below"))).toThrow(/EEXIST|ENOTDIR/);
});
