/** What is remembered of the store between runs, and what changes in it are noticed. */
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { tempDir } from "../helpers.ts";

const FILES = 600;

/** A store with a tree of files in all of its folders, as old as nothing changed for an hour. */
function storeWithTree() {
  const dir = tempDir("presence");
  const cas = open(dir);
  const files = Array.from({ length: FILES }, (_, index) => ({
    name: `file${String(index).padStart(4, "0")}`,
    digest: cas.write(`content ${index}`),
    executable: false,
  }));
  const below = cas.writeDirectory({ files, directories: [], symlinks: [] });
  const root = cas.writeDirectory({ files: [], directories: [{ name: "below", digest: below }], symlinks: [] });
  age(dir);
  return { dir, root, files: files.map(({ digest }) => digest) };
}

function open(dir: string): Cas {
  return new Cas(join(dir, "cas"), join(dir, "presence"));
}

function age(dir: string): void {
  const objects = join(dir, "cas", "objects");
  for (const name of fs.readdirSync(objects)) fs.utimesSync(join(objects, name), 1e9, 1e9);
}

/** Asks in a process of its own, as it were. @returns the answer, and how many blobs were looked for */
function ask(dir: string, root: Digest): { whole: boolean; looks: number } {
  const cas = open(dir);
  const stat = vi.spyOn(fs, "statSync");
  const whole = cas.hasTree(root);
  const looks = stat.mock.calls.length;
  stat.mockRestore();
  cas.savePresence();
  return { whole, looks };
}

afterEach(() => vi.restoreAllMocks());

describe("a tree that was whole", () => {
  test("is not looked at again", () => {
    const { dir, root } = storeWithTree();
    expect(ask(dir, root)).toEqual({ whole: true, looks: FILES + 2 });
    expect(ask(dir, root)).toEqual({ whole: true, looks: 0 });
  });

  test("is looked at where something was added", () => {
    const { dir, root, files } = storeWithTree();
    ask(dir, root);
    const added = open(dir).write("something else");
    const inFolder = files.filter(({ hash }) => hash.slice(0, 2) === added.hash.slice(0, 2)).length;
    const { whole, looks } = ask(dir, root);
    expect(whole).toBe(true);
    expect(looks).toBeGreaterThanOrEqual(inFolder);
    expect(looks).toBeLessThan(inFolder + 3);
    // The folder is too young to be known yet.
    expect(ask(dir, root).looks).toBe(looks);
    age(dir);
    ask(dir, root);
    expect(ask(dir, root)).toEqual({ whole: true, looks: 0 });
  });

  test("is not read again where something was added", () => {
    const { dir, root } = storeWithTree();
    ask(dir, root);
    open(dir).write("something else");
    const cas = open(dir);
    const read = vi.spyOn(fs, "readFileSync");
    expect(cas.hasTree(root)).toBe(true);
    expect(cas.hasDirectories(root)).toBe(true);
    expect(read).not.toHaveBeenCalled();
  });

  test("is part of another that is remembered", () => {
    const { dir, root } = storeWithTree();
    ask(dir, root);
    const cas = open(dir);
    const other = cas.write("other");
    const outer = cas.writeDirectory({
      files: [{ name: "other", digest: other, executable: false }],
      directories: [{ name: "root", digest: root }],
      symlinks: [],
    });
    age(dir);
    expect(ask(dir, outer).whole).toBe(true);
    age(dir);
    ask(dir, outer);
    expect(ask(dir, outer)).toEqual({ whole: true, looks: 0 });
    for (const lost of [other, root]) {
      const path = cas.objectPath(lost);
      const bytes = fs.readFileSync(path);
      fs.rmSync(path);
      expect(ask(dir, outer).whole).toBe(false);
      fs.writeFileSync(path, bytes);
    }
  });

  test("is not whole when a blob was cut off where something was added", () => {
    const { dir, root, files } = storeWithTree();
    ask(dir, root);
    const path = open(dir).objectPath(files[0] ?? digestOf(""));
    fs.rmSync(path);
    fs.writeFileSync(path, "");
    expect(ask(dir, root).whole).toBe(false);
  });

  test("is not whole when a blob was removed", () => {
    const { dir, root, files } = storeWithTree();
    for (const lost of [files[0], files[FILES - 1]]) {
      if (lost === undefined) throw new Error("no file");
      ask(dir, root);
      const path = open(dir).objectPath(lost);
      const bytes = fs.readFileSync(path);
      fs.rmSync(path);
      // Times that are set back show in the time of the change.
      age(dir);
      expect(ask(dir, root).whole).toBe(false);
      fs.writeFileSync(path, bytes, { mode: 0o444 });
      age(dir);
      expect(ask(dir, root).whole).toBe(true);
    }
  });

  test("is not whole when a directory was removed", () => {
    const { dir, root } = storeWithTree();
    ask(dir, root);
    fs.rmSync(open(dir).objectPath(root));
    expect(ask(dir, root).whole).toBe(false);
  });

  test("is looked at when something was removed while it was asked for", () => {
    const { dir, root, files } = storeWithTree();
    const cas = open(dir);
    expect(cas.hasTree(root)).toBe(true);
    fs.rmSync(cas.objectPath(files[7] ?? digestOf("")));
    cas.savePresence();
    age(dir);
    expect(ask(dir, root).whole).toBe(false);
  });
});

test("single blobs are remembered, and missed", () => {
  const { dir, files } = storeWithTree();
  const first = open(dir);
  expect(first.hasAll(files)).toBe(true);
  first.savePresence();
  expect(open(dir).hasAll(files)).toBe(true);
  fs.rmSync(first.objectPath(files[3] ?? digestOf("")));
  expect(open(dir).hasAll(files)).toBe(false);
});

test("an index that is cut off or of another kind is as none", () => {
  const { dir, root } = storeWithTree();
  ask(dir, root);
  const index = fs.readFileSync(join(dir, "presence"));
  for (const bytes of [
    index.subarray(0, 100),
    index.subarray(0, index.length - 1),
    Buffer.alloc(0),
    Buffer.alloc(9000, 1),
  ]) {
    fs.writeFileSync(join(dir, "presence"), bytes);
    expect(ask(dir, root)).toEqual({ whole: true, looks: FILES + 2 });
  }
});
