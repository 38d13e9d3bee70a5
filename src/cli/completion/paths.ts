/** Completion of paths. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface PathOptions {
  readonly directoriesOnly?: boolean;
  /** Folder that the path is relative to. */
  readonly base?: string;
}

/** Entries of the folder that a path begins to name: folders with a slash behind them, anything else with a space. */
export function completePath(incomplete: string, { directoriesOnly = false, base = "." }: PathOptions): string[] {
  const resolve = (path: string) => (path.startsWith("/") ? path : join(base, path));
  const slash = incomplete.lastIndexOf("/");
  let folder = incomplete.slice(0, slash + 1);
  // A folder's name alone is taken as the folder, of which there is only one.
  if (slash < 0 && incomplete !== "" && isDirectory(resolve(incomplete))) folder = `${incomplete}/`;

  let names: string[];
  try {
    names = readdirSync(resolve(folder)).sort();
  } catch {
    return [];
  }
  return names
    .map((name) => folder + name)
    .map((path) => (isDirectory(resolve(path)) ? `${path}/` : `${path} `))
    .filter((path) => !directoriesOnly || path.endsWith("/"));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
