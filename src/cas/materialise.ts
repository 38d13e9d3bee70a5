/** Writes trees of the store to disk. */
import fs from "node:fs";
import type { Digest } from "./digest.ts";
import type { Cas } from "./store.ts";

export interface MaterialiseOptions {
  /** `copy`: files of the caller's own, that can be written to. `hardlink`: links to the store, only to be read. */
  readonly mode: "copy" | "hardlink";
  /** Seconds since 1970, of files and directories. */
  readonly mtime?: number;
}

/** Writes a tree to `target`, which is made if it does not exist. */
export function materialise(cas: Cas, tree: Digest, target: string, options: MaterialiseOptions): void {
  fs.mkdirSync(target, { recursive: true });
  const directory = cas.readDirectory(tree);
  for (const node of directory.files) {
    const path = `${target}/${node.name}`;
    fs.writeFileSync(path, cas.read(node.digest), { flag: "wx" });
    fs.chmodSync(path, node.executable ? 0o755 : 0o644);
    if (options.mtime !== undefined) fs.utimesSync(path, options.mtime, options.mtime);
  }
  for (const node of directory.symlinks) fs.symlinkSync(node.target, `${target}/${node.name}`);
  for (const node of directory.directories) materialise(cas, node.digest, `${target}/${node.name}`, options);
  if (options.mtime !== undefined) fs.utimesSync(target, options.mtime, options.mtime);
}
