import fs from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Change, diffTrees } from "../../src/cas/diff.ts";
import { digestOf } from "../../src/cas/digest.ts";
import type { TreeNode } from "../../src/cas/directory.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { arbitraryLayout, digestOfLayout, type Layout, temporaryCas } from "./helpers.ts";

function changes(cas: Cas, before: Layout, after: Layout): string[] {
  const list = [...diffTrees(cas, digestOfLayout(cas, before), digestOfLayout(cas, after))];
  return list.map(({ kind, path }) => `${kind} ${path}`);
}

test("tells a directory before its content, by name, and nothing of what is equal", () => {
  const before = { a: { old: "one", same: { f: "one" } }, gone: { deep: { f: "one" } }, x: "one", y: "one", z: "-> a" };
  const after = { a: { same: { f: "one" }, young: { f: "one" } }, x: "two", y: "* one", z: "-> b" };
  expect(changes(temporaryCas(), before, after)).toEqual([
    "removed a/old",
    "added a/young",
    "added a/young/f",
    "removed gone",
    "removed gone/deep",
    "removed gone/deep/f",
    "modified x",
    "modified y",
    "modified z",
  ]);
});

test("a directory that takes another's place is modified, and what was or is in it is told", () => {
  const cas = temporaryCas();
  expect(changes(cas, { a: { f: "one" } }, { a: "one" })).toEqual(["modified a", "removed a/f"]);
  expect(changes(cas, { a: "-> b" }, { a: { f: "one" } })).toEqual(["modified a", "added a/f"]);
  // An empty file has the digest of an empty directory.
  expect(changes(cas, { a: "" }, { a: {} })).toEqual(["modified a"]);
});

test("the time of a file counts where trees have times", () => {
  const cas = temporaryCas();
  const [before, after] = [1, 2].map((seconds) => {
    const tree = new Tree(cas);
    tree.addFile("f", digestOf("one"), { executable: false, mtime: { seconds, nanos: 0 } });
    return tree.digest();
  });
  expect(before && after && [...diffTrees(cas, before, after)]).toMatchObject([
    { kind: "modified", before: { mtime: { seconds: 1 } }, after: { mtime: { seconds: 2 } } },
  ]);
});

test("reads nothing below equal directories", () => {
  const cas = temporaryCas();
  const same = { deep: { f: "one" } };
  const [before, after] = [digestOfLayout(cas, { same, a: "one" }), digestOfLayout(cas, { same, a: "two" })];
  fs.rmSync(cas.objectPath(digestOfLayout(cas, same)));
  expect([...diffTrees(cas, before, after)].map(({ path }) => path)).toEqual(["a"]);
});

test("applied to the first tree it makes the second", () => {
  const cas = temporaryCas();
  fc.assert(
    fc.property(arbitraryLayout(), arbitraryLayout(), (from, to) => {
      const [before, after] = [digestOfLayout(cas, from), digestOfLayout(cas, to)];
      const tree = new Tree(cas, before);
      const list = [...diffTrees(cas, before, after)];
      for (const change of list) apply(tree, change);
      expect(tree.digest()).toEqual(after);
      expect(new Set(list.map(({ path }) => path)).size).toBe(list.length);
      expect(list.length === 0).toBe(before.hash === after.hash);
    }),
    { numRuns: 200 },
  );
});

function apply(tree: Tree, change: Change): void {
  // What was in a removed directory went with it.
  if (change.kind !== "added" && tree.exists(change.path)) tree.remove(change.path, { recursive: true });
  if (change.kind !== "removed") add(tree, change.path, change.after);
}

function add(tree: Tree, path: string, node: TreeNode): void {
  if (node.kind === "directory") tree.makeDirectory(path);
  else if (node.kind === "symlink") tree.addSymlink(path, node.target);
  else tree.addFile(path, node.digest, node);
}
