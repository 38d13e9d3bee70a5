/** The files of an artifact as lines of text. */
import type { Digest } from "../cas/digest.ts";
import { sortedByName, type TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";

/** The paths of {@link pathsOf} with permissions, type and size before them, and the targets of symlinks behind. */
export function* listLong(cas: Cas, tree: Digest, prefix = ""): Generator<string> {
  const { files, directories, symlinks } = cas.readDirectory(tree);
  const others: TreeNode[] = [
    ...files.map((node): TreeNode => ({ kind: "file", ...node })),
    ...symlinks.map((node): TreeNode => ({ kind: "symlink", ...node })),
  ];
  for (const node of sortedByName(others)) yield describe(node, prefix);
  for (const node of sortedByName(directories)) {
    yield describe({ kind: "directory", ...node }, prefix);
    yield* listLong(cas, node.digest, `${prefix}${node.name}/`);
  }
}

function describe(node: TreeNode, prefix: string): string {
  const line = (permissions: string, type: string, size: number) =>
    `${permissions}  ${type.padEnd(6)} ${String(size).padEnd(11)} ${prefix}${node.name}`;
  if (node.kind === "directory") return line("drwxr-xr-x", "dir", 0);
  if (node.kind === "symlink") return `${line("lrwxrwxrwx", "link", [...node.target].length)} -> ${node.target}`;
  return node.executable ? line("-rwxr-xr-x", "exe", node.digest.size) : line("-rw-r--r--", "reg", node.digest.size);
}
