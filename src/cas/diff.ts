/** What differs between two trees; equal subtrees are skipped whole. */
import { type Digest, sameDigest } from "./digest.ts";
import { compareNames, type Directory, type DirectoryNode, type FileNode, type SymlinkNode } from "./directory.ts";
import type { Cas } from "./store.ts";

export type DiffNode =
  | ({ readonly kind: "file" } & FileNode)
  | ({ readonly kind: "symlink" } & SymlinkNode)
  | ({ readonly kind: "directory" } & DirectoryNode);

/** A directory is `modified` only where it takes the place of a file or symlink, or these take its place. */
export type Change =
  | { readonly path: string; readonly kind: "added"; readonly after: DiffNode }
  | { readonly path: string; readonly kind: "removed"; readonly before: DiffNode }
  | { readonly path: string; readonly kind: "modified"; readonly before: DiffNode; readonly after: DiffNode };

/**
 * The changes that make `after` of `before`, depth first, by name, a directory before its content. Of added and removed
 * directories all content is told too, also of those that are in a file's place or have a file in theirs.
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
  for (const [a, b] of pairs(nodesOf(cas, before), nodesOf(cas, after))) {
    const path = prefix + (a ?? b)?.name;
    if (a !== undefined && b !== undefined) {
      if (sameNode(a, b)) continue;
      if (a.kind !== "directory" || b.kind !== "directory") yield { path, kind: "modified", before: a, after: b };
    } else if (b !== undefined) {
      yield { path, kind: "added", after: b };
    } else if (a !== undefined) {
      yield { path, kind: "removed", before: a };
    }
    const [below, above] = [directoryDigest(a), directoryDigest(b)];
    if (below !== undefined || above !== undefined) yield* diffDirectories(cas, below, above, `${path}/`);
  }
}

function directoryDigest(node: DiffNode | undefined): Digest | undefined {
  return node?.kind === "directory" ? node.digest : undefined;
}

function nodesOf(cas: Cas, digest: Digest | undefined): DiffNode[] {
  if (digest === undefined) return [];
  const { files, directories, symlinks }: Directory = cas.readDirectory(digest);
  return [
    ...files.map((node): DiffNode => ({ kind: "file", ...node })),
    ...directories.map((node): DiffNode => ({ kind: "directory", ...node })),
    ...symlinks.map((node): DiffNode => ({ kind: "symlink", ...node })),
  ].sort((a, b) => compareNames(a.name, b.name));
}

/** Merges two sorted lists; nodes of one name come together. */
function* pairs(before: DiffNode[], after: DiffNode[]): Generator<[DiffNode | undefined, DiffNode | undefined]> {
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const [a, b] = [before[i], after[j]];
    const order = a === undefined ? 1 : b === undefined ? -1 : compareNames(a.name, b.name);
    yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined];
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
}

function sameNode(a: DiffNode, b: DiffNode): boolean {
  if (a.kind === "directory" && b.kind === "directory") return sameDigest(a.digest, b.digest);
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  if (a.kind !== "file" || b.kind !== "file") return false;
  return (
    sameDigest(a.digest, b.digest) &&
    a.executable === b.executable &&
    a.mtime?.seconds === b.mtime?.seconds &&
    a.mtime?.nanos === b.mtime?.nanos
  );
}
