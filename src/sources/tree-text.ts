/** Text files of a tree. */
import type { Tree } from "../cas/tree.ts";

/** Undefined where there is no such file. */
export function readText(tree: Tree, path: string): string | undefined {
  const node = tree.lookup(path, { followSymlinks: true });
  return node?.kind === "file" ? tree.cas.read(node.digest).toString("utf8") : undefined;
}
