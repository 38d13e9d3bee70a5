/** Walks through trees of the store. */
import type { Digest } from "./digest.ts";
import { nodesOf, sortedByName, type TreeNode } from "./directory.ts";
import type { Cas } from "./store.ts";

export interface TreeEntry {
  /** Relative to the root of the walk, without a slash at either end. */
  readonly path: string;
  readonly node: TreeNode;
}

/** All entries, depth first, by name, a directory before its content. */
export function* walk(cas: Cas, digest: Digest, prefix = ""): Generator<TreeEntry> {
  for (const node of nodesOf(cas.readDirectory(digest))) {
    const path = prefix + node.name;
    yield { path, node };
    if (node.kind === "directory") yield* walk(cas, node.digest, `${path}/`);
  }
}

/** Each directory but the root, then its files and symlinks, by name, then its directories, by name. */
export function pathsOf(cas: Cas, digest: Digest): string[] {
  const paths: string[] = [];
  const visit = (digest: Digest, prefix: string) => {
    const { files, directories, symlinks } = cas.readDirectory(digest);
    const others = symlinks.length === 0 ? files : [...files, ...symlinks];
    for (const { name } of sortedByName(others)) paths.push(prefix + name);
    for (const node of sortedByName(directories)) {
      const path = prefix + node.name;
      paths.push(path);
      visit(node.digest, `${path}/`);
    }
  };
  visit(digest, "");
  return paths;
}

/** Files and symlinks in the order in which BuildStream reports what it imported. */
export function* contentOf(cas: Cas, digest: Digest, prefix: string): Generator<string> {
  const { files, directories, symlinks } = cas.readDirectory(digest);
  for (const node of directories) yield* contentOf(cas, node.digest, `${prefix}${node.name}/`);
  for (const { name } of files) yield prefix + name;
  for (const { name } of symlinks) yield prefix + name;
}
