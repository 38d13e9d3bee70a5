/** Paths in a sandbox, and in the trees that hold its files. */

/** A path below a folder; an absolute one stays as it is. */
export function joinPath(base: string, path: string): string {
  return path.startsWith("/") ? path : `${base.replace(/\/+$/, "")}/${path}`;
}

/** An absolute path as trees have it: relative to their root, and empty for the root itself. */
export function inTree(path: string): string {
  return path.replace(/^\/+/, "").replace(/\/+$/, "");
}
