/** A Unix socket that commands of a sandbox can connect to, and that this program serves from outside. */
import fs from "node:fs";
import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { STAGED_MTIME } from "./stage.ts";

export interface SandboxSocket {
  /** In the sandbox, from its root. What of its folders is not there is made. */
  readonly path: string;
  /** Listens at a path of the machine until it is disposed of. */
  serve(hostPath: string): Promise<AsyncDisposable>;
}

/** Folders of the sandbox whose content is the system's. */
const OF_SYSTEM = ["dev", "proc"];
/** As many as Linux follows. */
const MOST_SYMLINKS = 40;

/**
 * The path in a root at which a socket is to be, relative to the root and without symlinks on its way.
 * @throws BstError in domain "virtual-fs", reason `remote-apis-socket`, where it can't be there
 */
export function socketPathIn(cas: Cas, root: Digest, path: string): string {
  const tree = new Tree(cas, root);
  const problem = (what: string): BstError =>
    new BstError("virtual-fs", `There can be no socket at '${path}' in the sandbox: ${what}`, {
      reason: "remote-apis-socket",
    });
  if (path.includes("\0")) throw problem("no path has a NUL");
  let current = "";
  let symlinks = 0;
  const pending = path.split("/").reverse();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      current = parentOf(current);
      continue;
    }
    const next = current === "" ? name : `${current}/${name}`;
    // The sandbox has an empty one of its own.
    const node = next.startsWith("tmp/") ? undefined : tree.lookup(next);
    if (node?.kind === "symlink") {
      if (++symlinks > MOST_SYMLINKS) throw problem("too many symbolic links lead to it");
      if (node.target.startsWith("/")) current = "";
      pending.push(...node.target.split("/").reverse());
    } else {
      if (node?.kind === "file") throw problem(`'/${next}' is a file`);
      current = next;
    }
  }
  if (current === "tmp" || tree.lookup(current) !== undefined) throw problem("a folder is in its place");
  if (OF_SYSTEM.some((folder) => current.startsWith(`${folder}/`))) throw problem("the folder is the system's");
  return current;
}

/** The folder of a path as {@link socketPathIn} returns it. */
export function parentOf(path: string): string {
  return posix.dirname(path).replace(/^\.$/, "");
}

/** Whether the sandbox makes the place of a socket by itself, in the folder of temporary files that it begins with. */
export function isInTmp(path: string): boolean {
  return path.startsWith("tmp/");
}

/**
 * Makes what a socket is mounted over: in the folder that becomes the root, or lies above it, the socket itself under
 * another name. No capture takes a socket for a file.
 */
export function placeSocket(folder: string, path: string, hostPath: string): void {
  if (isInTmp(path)) return;
  const parents: string[] = [];
  for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) parents.unshift(`${folder}/${parent}`);
  for (const parent of parents) {
    if (fs.existsSync(parent)) continue;
    fs.mkdirSync(parent);
    fs.chmodSync(parent, 0o755);
  }
  fs.linkSync(hostPath, `${folder}/${path}`);
  // As they were staged, or would have been.
  for (const parent of [...parents.reverse(), folder]) fs.utimesSync(parent, STAGED_MTIME, STAGED_MTIME);
}
