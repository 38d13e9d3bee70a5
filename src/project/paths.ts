/** Paths that a project's files name: they must stay inside of the project. */
import { lstatSync, realpathSync, type Stats } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { isMissing } from "../base/errors.ts";
import type { ScalarNode } from "../yaml/node.ts";

/**
 * Checks a path relative to a project.
 * @param root absolute path of the project, without symbolic links
 * @returns the path as it is written
 */
export function projectPath(root: string, node: ScalarNode, expected?: "file" | "directory"): string {
  const written = node.value;
  const full = isAbsolute(written) ? written : join(root, written);
  const wrongKind = (problem: string) =>
    node.error(`The path '${written}' ${problem}`, { reason: "proj-path-invalid-kind" });
  const outside = (problem: string) => node.error(`The path '${written}' ${problem}`, { reason: "proj-path-invalid" });

  const stat = statOf(full);
  if (stat?.isSymbolicLink()) throw wrongKind("is a symbolic link");
  if (written.split("/").filter((part) => part !== "" && part !== ".")[0] === "..") throw outside("leaves the project");
  const real = resolved(full);
  if (real === undefined || stat === undefined)
    throw node.error(`The path '${written}' does not exist`, { reason: "missing-file" });
  if (real !== root && !real.startsWith(root.endsWith("/") ? root : `${root}/`)) throw outside("leaves the project");
  if (isAbsolute(written)) throw outside("is absolute: give it relative to the project");

  if (stat.isSocket() || stat.isFIFO() || stat.isBlockDevice()) throw wrongKind("is of a kind that cannot be used");
  if (expected === "file" && !stat.isFile()) throw wrongKind("is no regular file");
  if (expected === "directory" && !stat.isDirectory()) throw wrongKind("is no directory");
  return written;
}

/** Folders without symbolic links, as found: the paths of a project are mostly in the same few. */
const realFolders = new Map<string, string>();

/** A path that is no symbolic link itself, without those on the way to it; undefined where there is nothing. */
function resolved(path: string): string | undefined {
  const folder = dirname(path);
  const name = basename(path);
  try {
    if (name === "" || name === "." || name === "..") return realpathSync.native(path);
    let real = realFolders.get(folder);
    if (real === undefined) {
      real = realpathSync.native(folder);
      realFolders.set(folder, real);
    }
    return join(real, name);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
