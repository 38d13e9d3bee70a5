/** What a root needs to have for a command to run in it, and what of it is worth keeping on disk. */
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";

/** Something of the machine that is seen, and may be written to, in the sandbox. */
export interface HostMount {
  /** It must exist. */
  readonly hostPath: string;
  /** Absolute, in the sandbox. */
  readonly path: string;
}

export interface RootLayout {
  readonly cwd: string;
  readonly writableDirectories: readonly string[];
  readonly hostMounts: readonly HostMount[];
  /** Relative to the root; undefined where there is none, or where it needs no folder. */
  readonly socketFolder?: string | undefined;
}

/** They hide what the root has in these places. */
const MOUNTED = ["dev", "proc", "tmp"];

/** Whether a path, relative to the root, is hidden by what is mounted. */
export function isMounted(path: string): boolean {
  return MOUNTED.some((name) => path === name || path.startsWith(`${name}/`));
}

/** Adds the directories that a run needs; they stay in the result. Throws BstError in domain "virtual-fs" if one can't be. */
export function prepareRoot(
  cas: Cas,
  root: Digest,
  { cwd, writableDirectories, hostMounts, socketFolder }: RootLayout,
): Digest {
  const tree = new Tree(cas, root);
  for (const path of [cwd, ...MOUNTED, ...writableDirectories]) tree.makeDirectory(relative(path));
  if (socketFolder !== undefined) tree.makeDirectory(socketFolder);
  for (const { hostPath, path } of hostMounts) addMountPoint(tree, relative(path), hostPath);
  return tree.digest();
}

function addMountPoint(tree: Tree, path: string, hostPath: string): void {
  const node = tree.lookup(path);
  // It would be followed outside of the sandbox.
  if (node?.kind === "symlink") {
    throw new BstError("sandbox", `'${hostPath}' can't be mounted over the symlink '/${path}'`);
  }
  if (node !== undefined) return;
  if (fs.statSync(hostPath).isDirectory()) tree.makeDirectory(path);
  else {
    const [parent, name] = splitLast(path);
    tree.makeDirectory(parent).addFile(name, tree.cas.write(""), { executable: false });
  }
}

/** The same root without these directories, and without the parents that become empty: dependencies without sources. */
export function withoutDirectories(cas: Cas, root: Digest, directories: readonly string[]): Digest {
  const tree = new Tree(cas, root);
  for (let path of directories.map(relative)) {
    if (path === "" || tree.lookup(path)?.kind !== "directory") continue;
    tree.remove(path, { recursive: true });
    for (;;) {
      [path] = splitLast(path);
      if (path === "" || !tree.openDirectory(path).isEmpty()) break;
      tree.remove(path);
    }
  }
  return tree.digest();
}

/**
 * Throws BstError in domain "sandbox" with reason `missing-command` if a root has no such program, by an absolute path or
 * in the folders of PATH.
 */
export function requireCommand(cas: Cas, root: Digest, command: string, searchPath: string | undefined): void {
  if (findCommand(cas, root, command, searchPath) !== undefined) return;
  throw new BstError("sandbox", `The dependencies that are staged have no command '${command}'`, {
    reason: "missing-command",
    detail: "Add an element that provides it to the build dependencies.",
  });
}

/** The absolute path of a program in a root; undefined where it has none. */
export function findCommand(
  cas: Cas,
  root: Digest,
  command: string,
  searchPath: string | undefined,
): string | undefined {
  const tree = new Tree(cas, root);
  const paths = command.startsWith("/")
    ? [command]
    : command.includes("/")
      ? []
      : (searchPath?.split(":").map((directory) => `${directory}/${command}`) ?? []);
  return paths.find((path) => tree.exists(relative(path), { followSymlinks: true }));
}

/** BuildStream leaves marks where a root was read-only; build roots that are kept have equal digests with them. */
export function markMounted(cas: Cas, root: Digest, rootReadOnly: boolean): Digest {
  const { mtime: _, subtreeReadOnly: __, ...directory } = cas.readDirectory(root);
  const directories = directory.directories.map(({ name, digest }) => {
    if (!MOUNTED.includes(name)) return { name, digest };
    const { subtreeReadOnly: _, ...inner } = cas.readDirectory(digest);
    return { name, digest: cas.writeDirectory(rootReadOnly ? { ...inner, subtreeReadOnly: false } : inner) };
  });
  return cas.writeDirectory({ ...directory, directories });
}

/** As the paths of trees are. */
export function relative(path: string): string {
  return path.replace(/^\/+/, "").replace(/\/+$/, "");
}

function splitLast(path: string): [parent: string, name: string] {
  const at = path.lastIndexOf("/");
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
}
