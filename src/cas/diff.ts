/** What differs between two trees; equal subtrees are skipped whole. */
import { type Digest, sameDigest } from "./digest.ts";
import { compareNames, nodesOf, type TreeNode } from "./directory.ts";
import type { Cas } from "./store.ts";

/** A directory is `modified` only if it took the place of a file or symlink, or one of these took its place. */
export type Change =
  | { readonly path: string; readonly kind: "added"; readonly after: TreeNode }
  | { readonly path: string; readonly kind: "removed"; readonly before: TreeNode }
  | { readonly path: string; readonly kind: "modified"; readonly before: TreeNode; readonly after: TreeNode };

/**
 * What makes `after` of `before`: depth first, by name, a directory before its content. Of directories that came or went
 * all content is told too, also if something else has or had their name.
 */
export function* diffTrees(cas: Cas, before: Digest, after: Digest): Generator<Change> {
  if (!sameDigest(before, after)) yield* diffDirectories(cas, before, after, "");
}

function* diffDirectories(
  cas: Cas,
  before: Digest | undefined,
  after: Digest | undefined,
  prefix: string,
): Generator<Change> {
  for (const { name, a, b } of pairNodes(cas, before, after)) {
    const path = prefix + name;
    if (a !== undefined && b !== undefined) {
      if (sameNode(a, b)) continue;
      if (a.kind !== "directory" || b.kind !== "directory") yield { path, kind: "modified", before: a, after: b };
    } else if (b !== undefined) {
      yield { path, kind: "added", after: b };
    } else if (a !== undefined) {
      yield { path, kind: "removed", before: a };
    }
    const [old, young] = [digestOfDirectory(a), digestOfDirectory(b)];
    if (old !== undefined || young !== undefined) yield* diffDirectories(cas, old, young, `${path}/`);
  }
}

function contentOf(cas: Cas, digest: Digest | undefined): TreeNode[] {
  return digest === undefined ? [] : nodesOf(cas.readDirectory(digest));
}

function digestOfDirectory(node: TreeNode | undefined): Digest | undefined {
  return node?.kind === "directory" ? node.digest : undefined;
}

/** What two directories have under one name; at least one of them has something. */
export interface NodePair {
  readonly name: string;
  readonly a: TreeNode | undefined;
  readonly b: TreeNode | undefined;
}

/** The entries of two directories side by side, by name; an undefined directory has none. */
export function pairNodes(cas: Cas, a: Digest | undefined, b: Digest | undefined): Generator<NodePair> {
  return pairs(contentOf(cas, a), contentOf(cas, b));
}

/** Merges two lists that are sorted by name. */
function* pairs(before: readonly TreeNode[], after: readonly TreeNode[]): Generator<NodePair> {
  let i = 0;
  let j = 0;
  for (;;) {
    const a = before[i];
    const b = after[j];
    if (a !== undefined && (b === undefined || compareNames(a.name, b.name) < 0)) {
      yield { name: a.name, a, b: undefined };
      i++;
    } else if (b !== undefined && (a === undefined || a.name !== b.name)) {
      yield { name: b.name, a: undefined, b };
      j++;
    } else if (a !== undefined) {
      yield { name: a.name, a, b };
      i++;
      j++;
    } else {
      return;
    }
  }
}

export function sameNode(a: TreeNode, b: TreeNode): boolean {
  if (a.kind === "symlink" || b.kind === "symlink") {
    return a.kind === "symlink" && b.kind === "symlink" && a.target === b.target;
  }
  if (!sameDigest(a.digest, b.digest)) return false;
  if (a.kind === "directory" || b.kind === "directory") return a.kind === b.kind;
  return a.executable === b.executable && a.mtime?.seconds === b.mtime?.seconds && a.mtime?.nanos === b.mtime?.nanos;
}
