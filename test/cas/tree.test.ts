import fs from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { digestOf } from "../../src/cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../../src/cas/directory.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { ABSENT, arbitraryLayout, digestOfLayout, type Layout, layoutOf, temporaryCas, treeOf } from "./helpers.ts";

const file = { executable: false };

test("an empty tree is the empty directory", () => {
  const tree = new Tree(temporaryCas());
  expect(tree.isEmpty()).toBe(true);
  expect(tree.digest()).toEqual(EMPTY_DIRECTORY_DIGEST);
  expect(tree.cas.has(EMPTY_DIRECTORY_DIGEST)).toBe(true);
  expect([...tree.paths(), ...tree.entries()]).toEqual([]);
});

test("changes through a view of a directory are seen in its parents", () => {
  const cas = temporaryCas();
  const tree = new Tree(cas, digestOfLayout(cas, { a: { b: { old: "one" } } }));
  const before = tree.digest();
  const view = tree.openDirectory("a/b");
  view.addFile("young", cas.write("two"), { executable: true });
  expect(tree.digest()).not.toEqual(before);
  expect(layoutOf(tree)).toEqual({ a: { b: { old: "one", young: "* two" } } });
  tree.remove("a/b/young");
  expect(view.exists("young")).toBe(false);
  expect(tree.digest()).toEqual(before);
  expect(tree.openDirectory("a").openDirectory("b")).toBe(view);
});

test("trees of one digest do not see each other's changes", () => {
  const cas = temporaryCas();
  const digest = digestOfLayout(cas, { a: { f: "one" } });
  const [tree, other] = [new Tree(cas, digest), new Tree(cas, digest)];
  tree.openDirectory("a").remove("f");
  const copy = new Tree(cas);
  copy.importTree(other);
  copy.openDirectory("a").addFile("g", cas.write("two"), file);
  expect(layoutOf(tree)).toEqual({ a: {} });
  expect(layoutOf(other)).toEqual({ a: { f: "one" } });
});

describe("paths", () => {
  const cas = temporaryCas;

  test("symlinks are followed only if asked, from the root or from where they are", () => {
    const tree = treeOf(cas(), {
      usr: { lib: { "libc.so": "elf", up: "-> ../share" }, share: { doc: "text" } },
      lib: "-> usr/lib",
      absolute: "-> /usr/lib",
      circle: "-> circle",
      dangling: "-> nowhere/at/all",
    });
    const followSymlinks = true;
    for (const path of ["lib/libc.so", "absolute/libc.so", "usr/lib/up/doc", "lib/up/doc"]) {
      expect(tree.exists(path)).toBe(false);
      expect(tree.lookup(path, { followSymlinks })?.kind).toBe("file");
    }
    expect(tree.lookup("lib")).toEqual({ kind: "symlink", name: "lib", target: "usr/lib" });
    expect(tree.lookup("lib", { followSymlinks })).toMatchObject({ kind: "directory", name: "lib" });
    expect(tree.openDirectory("lib/up", { followSymlinks })).toBe(tree.openDirectory("usr/share"));
    expect(tree.exists("circle", { followSymlinks })).toBe(false);
    expect(tree.exists("dangling", { followSymlinks })).toBe(false);
    expect(tree.openDirectory("usr/../../usr/./lib//").exists("libc.so")).toBe(true);
  });

  test.each([
    ["missing/x", "directory-not-found", "'missing' not found in [CAS:/]"],
    ["a/b/x", "directory-not-found", "'x' not found in [CAS:/a/b]"],
    ["a/file/x", "not-a-directory", "'file' in [CAS:/a] is a regular file, not a directory"],
    ["a/link", "not-a-directory", "'link' in [CAS:/a] is a symlink, not a directory"],
  ])("opening %s fails with %s", (path, reason, message) => {
    const tree = treeOf(cas(), { a: { b: {}, file: "one", link: "-> b" } });
    expect(() => tree.openDirectory(path)).toThrow(expect.objectContaining({ domain: "virtual-fs", reason, message }));
    expect(tree.lookup(path)?.kind).not.toBe("directory");
  });

  test("must be relative, and names such as a file system can have", () => {
    const tree = new Tree(cas());
    for (const path of ["/etc", "..", ".", "", "a\0b"]) {
      expect(() => tree.addFile(path, ABSENT, file)).toThrow(expect.objectContaining({ domain: "virtual-fs" }));
    }
    expect(() => tree.makeDirectory("a\0b")).toThrow(expect.objectContaining({ domain: "virtual-fs" }));
    expect(tree.isEmpty()).toBe(true);
  });
});

test("a lookup tells what is there", () => {
  const tree = treeOf(temporaryCas(), { bin: { run: "* one" } });
  tree.addFile("dated", digestOf("two"), { executable: false, mtime: { seconds: 1, nanos: 2 } });
  expect(tree.lookup("bin/run")).toEqual({ kind: "file", name: "run", digest: digestOf("one"), executable: true });
  expect(tree.lookup("dated")).toMatchObject({ mtime: { seconds: 1, nanos: 2 } });
  expect(tree.lookup("bin")).toEqual({ kind: "directory", name: "bin", digest: tree.openDirectory("bin").digest() });
  expect(tree.lookup("bin/run/x")).toBeUndefined();
});

test("files and symlinks replace each other, but not directories", () => {
  const tree = treeOf(temporaryCas(), { x: "one", d: {} });
  tree.addSymlink("x", "d");
  expect(layoutOf(tree)).toEqual({ x: "-> d", d: {} });
  tree.addFile("x", tree.cas.write("two"), { executable: true });
  expect(layoutOf(tree)).toEqual({ x: "* two", d: {} });
  expect(() => tree.addSymlink("d", "x")).toThrow(expect.objectContaining({ domain: "virtual-fs" }));
});

test("removes directories with content only if told so", () => {
  const tree = treeOf(temporaryCas(), { a: { b: { f: "one" } }, empty: {} });
  tree.remove("empty");
  expect(() => tree.remove("a/b")).toThrow("[CAS:/a/b] is not empty");
  expect(() => tree.remove("a/c")).toThrow("'c' not found in [CAS:/a]");
  tree.remove("a/b", { recursive: true });
  expect(layoutOf(tree)).toEqual({ a: {} });
});

test("lists paths as `artifact list-contents` and entries by name", () => {
  const tree = treeOf(temporaryCas(), { z: "one", b: { y: "-> x", d: {}, "a-file": "one" }, a: {}, link: "-> b" });
  expect([...tree.paths()]).toEqual(["link", "z", "a", "b", "b/a-file", "b/y", "b/d"]);
  expect([...tree.entries()].map(({ path, node }) => `${path} ${node.kind}`)).toEqual([
    "a directory",
    "b directory",
    "b/a-file file",
    "b/d directory",
    "b/y symlink",
    "link symlink",
    "z file",
  ]);
});

test("keeps the mark of remote sandboxes' roots, and drops the time of a directory that is changed", () => {
  const cas = temporaryCas();
  const rest = { files: [], directories: [], symlinks: [{ name: "l", target: "x" }] };
  const digest = cas.writeDirectory({ ...rest, subtreeReadOnly: true, mtime: { seconds: 1, nanos: 0 } });
  const tree = new Tree(cas, digest);
  expect(tree.digest()).toEqual(digest);
  tree.addSymlink("l", "y");
  const { subtreeReadOnly, mtime } = cas.readDirectory(tree.digest());
  expect([subtreeReadOnly, mtime]).toEqual([true, undefined]);
});

describe("importTree", () => {
  test("replaces files, symlinks and empty directories, and leaves directories with content", () => {
    const cas = temporaryCas();
    const tree = treeOf(cas, { file: "one", link: "-> a", empty: {}, full: { f: "one" }, both: { old: "one" } });
    const source = treeOf(cas, {
      file: "-> b",
      link: "two",
      empty: "two",
      full: "two",
      both: { young: "two" },
      "new": "two",
    });
    const result = tree.importTree(source);
    expect(result.overwritten).toEqual(["file", "link", "empty"]);
    expect(result.ignored).toEqual(["full"]);
    expect([...result.filesWritten()]).toEqual(["file", "link", "empty", "both/young", "new"]);
    expect(layoutOf(tree)).toEqual({
      file: "-> b",
      link: "two",
      empty: "two",
      full: { f: "one" },
      both: { old: "one", young: "two" },
      new: "two",
    });
  });

  test.each(["one", "-> elsewhere"])("refuses a directory in the place of %j", (content) => {
    const cas = temporaryCas();
    const tree = treeOf(cas, { a: { b: content } });
    expect(() => tree.importTree(digestOfLayout(cas, { a: { b: { c: "two" } } }))).toThrow(
      expect.objectContaining({ domain: "virtual-fs", message: expect.stringContaining("'/a/b'") }),
    );
  });

  test("reads nothing below what is absent or equal", () => {
    const cas = temporaryCas();
    const parts = { same: { deep: { f: "one" } }, absent: { deep: { g: "two" } } };
    const into = digestOfLayout(cas, { same: parts.same, other: {} });
    const source = digestOfLayout(cas, parts);
    for (const part of Object.values(parts)) fs.rmSync(cas.objectPath(digestOfLayout(cas, part)));
    // Another store on the same files, so that nothing is in memory.
    const tree = new Tree(new Cas(cas.root), into);
    const result = tree.importTree(source);
    expect(tree.digest()).toEqual(digestOfLayout(temporaryCas(), { ...parts, other: {} }));
    expect(() => [...result.filesWritten()]).toThrow("not found");
    cas.write("");
    digestOfLayout(cas, parts);
    expect([...result.filesWritten()].sort()).toEqual(["absent/deep/g", "same/deep/f"]);
    expect(result.overwritten).toEqual(["same/deep/f"]);
  });

  test("a filter keeps the directories of what it lets through, and those that it lets through themselves", () => {
    const cas = temporaryCas();
    const source = digestOfLayout(cas, { a: { b: { f: "one", g: "one" }, c: {} }, d: { e: {} }, h: "one" });
    const filtered = (keep: RegExp) => {
      const tree = new Tree(cas);
      const { filesWritten } = tree.importTree(source, { filter: (path) => keep.test(path) });
      return [layoutOf(tree), [...filesWritten()]];
    };
    expect(filtered(/f$/)).toEqual([{ a: { b: { f: "one" } } }, ["a/b/f"]]);
    expect(filtered(/^d\/e$/)).toEqual([{ d: { e: {} } }, []]);
    expect(filtered(/^a$|^h$/)).toEqual([{ a: {}, h: "one" }, ["h"]]);
  });

  test("takes a tree into a directory of its own", () => {
    const cas = temporaryCas();
    const tree = treeOf(cas, { a: { f: "one" }, g: "two" });
    tree.openDirectory("a").importTree(tree);
    expect(layoutOf(tree)).toEqual({ a: { a: { f: "one" }, f: "one", g: "two" }, g: "two" });
  });

  test("is what a naive merge of plain objects is", () => {
    const cas = temporaryCas();
    const outcomes = { merged: 0, refused: 0 };
    const arbitraryFilter = fc.option(fc.func(fc.boolean()), { nil: undefined });
    fc.assert(
      fc.property(
        arbitraryLayout(),
        fc.array(arbitraryLayout(), { maxLength: 3 }),
        arbitraryFilter,
        (base, sources, filter) => {
          const tree = treeOf(cas, base);
          let model: Layout | undefined = base;
          for (const source of sources) {
            const results: Results = { overwritten: [], ignored: [], written: [] };
            model = merge(model, source, "", filter, results);
            if (model === undefined) {
              outcomes.refused++;
              expect(() => tree.importTree(treeOf(cas, source), filter ? { filter } : {})).toThrow();
              return;
            }
            const result = tree.importTree(digestOfLayout(cas, source), filter ? { filter } : {});
            expect(result.overwritten.toSorted()).toEqual(results.overwritten.toSorted());
            expect(result.ignored.toSorted()).toEqual(results.ignored.toSorted());
            expect([...result.filesWritten()].sort()).toEqual(results.written.toSorted());
            expect(layoutOf(tree)).toEqual(model);
            expect(tree.digest()).toEqual(digestOfLayout(cas, model));
            outcomes.merged++;
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(outcomes.merged).toBeGreaterThan(20);
    expect(outcomes.refused).toBeGreaterThan(5);
  });
});

test("a changed tree reads and writes only the directories on the way to the change", () => {
  const cas = temporaryCas();
  const tree = new Tree(cas, digestOfLayout(cas, { a: { b: { c: {} } }, d: { e: { f: "one" } } }));
  tree.digest();
  const write = vi.spyOn(cas, "writeDirectory");
  const read = vi.spyOn(cas, "readDirectory");
  tree.addSymlink("a/b/c/link", "x");
  tree.digest();
  tree.digest();
  expect(write).toHaveBeenCalledTimes(4);
  expect(read).toHaveBeenCalledTimes(4);
});

interface Results {
  readonly overwritten: string[];
  readonly ignored: string[];
  readonly written: string[];
}

/** Undefined where a directory meets something else. */
function merge(
  base: Layout,
  source: Layout,
  prefix: string,
  filter: ((path: string) => boolean) | undefined,
  results: Results,
): Layout | undefined {
  const merged: Record<string, string | Layout> = { ...base };
  for (const [name, content] of Object.entries(source)) {
    const path = prefix + name;
    const existing = merged[name];
    if (typeof content === "object") {
      if (typeof existing === "string") return undefined;
      const below = merge(existing ?? {}, content, `${path}/`, filter, results);
      if (below === undefined) return undefined;
      if (existing !== undefined || Object.keys(below).length > 0 || filter?.(path) !== false) merged[name] = below;
    } else if (filter?.(path) !== false) {
      if (typeof existing === "object" && Object.keys(existing).length > 0) {
        results.ignored.push(path);
        continue;
      }
      if (existing !== undefined) results.overwritten.push(path);
      results.written.push(path);
      merged[name] = content;
    }
  }
  return merged;
}
