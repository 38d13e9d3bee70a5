/** Lets a program change files of a tree in a folder that has nothing but these: trees are often far larger than changes. */
import fs from "node:fs";
import { join, posix } from "node:path";
import type { Cas } from "../cas/store.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { withTemporary } from "./temporary-directory.ts";

/** As many as Linux follows. */
const MOST_SYMLINKS = 40;

/**
 * Writes those of the paths that exist to a new folder, with what symbolic links on the way lead to, and takes over
 * what `change` made of the folder. Folders that it emptied and removed are removed if nothing else is in them.
 */
export async function changeFiles(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "mirrorDirectory">,
  paths: Iterable<string>,
  change: (directory: string) => Promise<void>,
): Promise<void> {
  await withTemporary(io.mirrorDirectory, async (directory) => {
    const written = new Set<string>();
    for (const path of paths) write(tree, io.cas, directory, path, written);
    await change(directory);
    for (const path of written) remove(tree, directory, path);
    takeOver(tree, io.cas, directory, "");
  });
}

/** Writes the file or symlink at a path, or on the way to it. */
function write(tree: Tree, cas: Cas, directory: string, path: string, written: Set<string>): void {
  let wanted = path;
  for (let links = 0; links <= MOST_SYMLINKS; links++) {
    const names = wanted.split("/");
    let target: string | undefined;
    for (let i = 1; i <= names.length && target === undefined; i++) {
      const prefix = names.slice(0, i).join("/");
      const node = tree.lookup(prefix);
      if (node === undefined) return;
      const to = join(directory, prefix);
      if (node.kind === "directory") {
        fs.mkdirSync(to, { recursive: true });
        continue;
      }
      if (!written.has(prefix)) {
        if (node.kind === "symlink") fs.symlinkSync(node.target, to);
        else fs.writeFileSync(to, cas.read(node.digest), { mode: node.executable ? 0o755 : 0o644 });
        written.add(prefix);
      }
      if (node.kind === "file") return;
      target = posix.join(posix.dirname(prefix), node.target, ...names.slice(i));
      // What is outside is nobody's to change, and the programs refuse to.
      if (node.target.startsWith("/") || target.startsWith("..")) return;
    }
    if (target === undefined) return;
    wanted = target.replace(/\/+$/, "");
  }
}

/** Removes what the program removed, even if something of another kind is there now. */
function remove(tree: Tree, directory: string, path: string): void {
  const now = lstat(join(directory, path));
  if (now !== undefined && !now.isDirectory()) return;
  tree.remove(path);
  for (let above = posix.dirname(path); above !== "."; above = posix.dirname(above)) {
    if (lstat(join(directory, above))?.isDirectory() === true || !tree.openDirectory(above).isEmpty()) return;
    tree.remove(above);
  }
}

function takeOver(tree: Tree, cas: Cas, directory: string, prefix: string): void {
  for (const entry of fs.readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    const full = join(directory, path);
    if (entry.isDirectory()) {
      tree.makeDirectory(path);
      takeOver(tree, cas, directory, path);
    } else if (entry.isSymbolicLink()) {
      tree.addSymlink(path, fs.readlinkSync(full));
    } else if (entry.isFile()) {
      tree.addFile(path, cas.importFile(full), { executable: (fs.statSync(full).mode & 0o100) !== 0 });
    }
  }
}

function lstat(path: string): fs.Stats | undefined {
  return fs.lstatSync(path, { throwIfNoEntry: false });
}
