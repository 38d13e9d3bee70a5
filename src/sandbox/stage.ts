/** Writes to disk what a sandbox's root has beyond a root that is there already, as files that may be written to. */
import fs from "node:fs";
import { type Digest, sameDigest } from "../cas/digest.ts";
import { type Directory, type FileNode, nodesOf, type TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";

/** Of all that has no time of its own in a tree: 11 November 2011, 11:11:11 UTC, as BuildStream has it. */
export const STAGED_MTIME = 1321009871;

/** Times go through a double, which has steps of a quarter of a microsecond: what is cut off must not reach the next. */
const ROUNDING = 4e-7;

/** A staged file is unchanged as long as the system says the same of it. */
export interface StagedFile {
  readonly digest: Digest;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** By inode number, which stays when a file is renamed. */
export type StagedFiles = ReadonlyMap<number, StagedFile>;

/** Whether to make `after` of `before` something must be removed: what a file takes the place of does not count. */
export function removesAnything(cas: Cas, before: Digest, after: Digest): boolean {
  if (sameDigest(before, after)) return false;
  const [from, to] = [cas.readDirectory(before), cas.readDirectory(after)];
  const names = new Map(nodesOf(to).map((node) => [node.name, node]));
  for (const { name } of [...from.files, ...from.symlinks]) if (!names.has(name)) return true;
  return from.directories.some(({ name, digest }) => {
    const node = names.get(name);
    return node === undefined || (node.kind === "directory" && removesAnything(cas, digest, node.digest));
  });
}

/**
 * Writes what `tree` has and `base` has not, or has otherwise, into an empty folder. Throws BstError in domain "cas" if a
 * blob is missing.
 */
export function stageAdditions(cas: Cas, base: Digest | undefined, tree: Digest, target: string): StagedFiles {
  const staged = new Map<number, StagedFile>();
  const stage = (below: Directory, digest: Digest, path: string): void => {
    const directory = cas.readDirectory(digest);
    const there = new Map(nodesOf(below).map((node) => [node.name, node]));
    for (const node of nodesOf(directory)) {
      const known = there.get(node.name);
      if (known !== undefined && sameNode(known, node)) continue;
      const to = `${path}/${node.name}`;
      if (node.kind === "file") copy(cas, node, to, staged);
      else if (node.kind === "symlink") {
        fs.symlinkSync(node.target, to);
        fs.lutimesSync(to, STAGED_MTIME, STAGED_MTIME);
      } else {
        fs.mkdirSync(to);
        stage(known?.kind === "directory" ? cas.readDirectory(known.digest) : EMPTY, node.digest, to);
      }
    }
    // Whatever the umask.
    fs.chmodSync(path, 0o755);
    const time = seconds(directory.mtime);
    fs.utimesSync(path, time, time);
  };
  stage(base === undefined ? EMPTY : cas.readDirectory(base), tree, target);
  return staged;
}

const EMPTY: Directory = { files: [], directories: [], symlinks: [] };

function copy(cas: Cas, node: FileNode, target: string, staged: Map<number, StagedFile>): void {
  const descriptor = fs.openSync(target, "wx");
  try {
    cas.readPieces(node.digest, (piece) => {
      for (let written = 0; written < piece.length; ) written += fs.writeSync(descriptor, piece, written);
    });
    fs.fchmodSync(descriptor, node.executable ? 0o755 : 0o644);
    const time = seconds(node.mtime);
    fs.futimesSync(descriptor, time, time);
    const { ino, size, mtimeMs, ctimeMs } = fs.fstatSync(descriptor);
    staged.set(ino, { digest: node.digest, size, mtimeMs, ctimeMs });
  } finally {
    fs.closeSync(descriptor);
  }
}

function seconds(mtime: FileNode["mtime"]): number {
  return mtime === undefined ? STAGED_MTIME : mtime.seconds + mtime.nanos / 1e9 + ROUNDING;
}

function sameNode(a: TreeNode, b: TreeNode): boolean {
  if (a.kind === "symlink") return b.kind === "symlink" && a.target === b.target;
  if (a.kind === "directory") return b.kind === "directory" && sameDigest(a.digest, b.digest);
  if (b.kind !== "file" || a.executable !== b.executable || !sameDigest(a.digest, b.digest)) return false;
  return a.mtime?.seconds === b.mtime?.seconds && a.mtime?.nanos === b.mtime?.nanos;
}
