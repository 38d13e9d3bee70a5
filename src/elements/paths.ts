/** Paths in a sandbox. */

/** A path below a folder; an absolute one stays as it is. */
export function joinPath(base: string, path: string): string {
  return path.startsWith("/") ? path : `${base.replace(/\/+$/, "")}/${path}`;
}
