/** Relative symbolic links that lead above the root: they end there in containers, and judges of images refuse them. */
import type { LayerEntry } from "./layer-entries.ts";

export interface OutwardLink {
  /** Below the root, without a leading slash. */
  readonly path: string;
  readonly target: string;
}

export function outwardLinks(entries: Iterable<LayerEntry>): OutwardLink[] {
  const found: OutwardLink[] = [];
  for (const entry of entries) {
    if (entry.kind !== "symlink" || !isOutward(entry.path, entry.target)) continue;
    found.push({ path: entry.path, target: entry.target });
  }
  return found;
}

/** What was written as JSON; nothing where it was not. */
export function parseLinks(json: string | undefined): readonly OutwardLink[] {
  try {
    return JSON.parse(json ?? "[]");
  } catch {
    return [];
  }
}

/** Whether a link at a path leads above the root. */
export function isOutward(path: string, target: string): boolean {
  if (target.startsWith("/")) return false;
  let depth = splitPath(path).length - 1;
  for (const name of splitPath(target)) {
    depth += name === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

export function splitPath(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
