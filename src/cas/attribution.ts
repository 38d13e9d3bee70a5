/** Which of the trees that were staged one over the other the files of the result come from. */

import { sameNode } from "./diff.ts";
import type { Digest } from "./digest.ts";
import { nodesOf, type TreeNode } from "./directory.ts";
import type { Cas } from "./store.ts";

/** A file, a symlink or an empty directory. */
export interface Leaf {
  readonly path: string;
  readonly node: TreeNode;
  /** The last of the trees that has it as it is; -1 where none has. */
  readonly source: number;
}

/** All leaves of a tree, depth first, by name. */
export function* attribute(cas: Cas, tree: Digest, sources: readonly Digest[]): Generator<Leaf> {
  yield* inside(
    cas,
    tree,
    sources.map((digest, source) => ({ digest, source })),
    "",
  );
}

interface Candidate {
  readonly digest: Digest;
  readonly source: number;
}

function* inside(cas: Cas, digest: Digest, candidates: readonly Candidate[], prefix: string): Generator<Leaf> {
  const nodes = nodesOf(cas.readDirectory(digest));
  const found = new Map<string, { node: TreeNode; source: number; below: Candidate[] }>();
  for (const node of nodes) found.set(node.name, { node, source: -1, below: [] });
  for (const { digest: other, source } of candidates) {
    for (const theirs of nodesOf(cas.readDirectory(other))) {
      const ours = found.get(theirs.name);
      if (ours === undefined) continue;
      if (theirs.kind !== "directory" && sameNode(ours.node, theirs)) ours.source = source;
      else if (theirs.kind === "directory" && ours.node.kind === "directory") {
        ours.source = source;
        ours.below.push({ digest: theirs.digest, source });
      }
    }
  }
  for (const [name, { node, source, below }] of found) {
    const path = prefix + name;
    const isLeaf = node.kind !== "directory" || node.digest.size === 0;
    if (isLeaf) yield { path, node, source };
    else yield* inside(cas, node.digest, below, `${path}/`);
  }
}
