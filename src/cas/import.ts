/** Local files and directories as trees, the way BuildStream's `local` source takes them. */
import fs from "node:fs";
import type { Digest } from "./digest.ts";
import { digestOf } from "./digest.ts";
import { type DirectoryNode, encodeDirectory, type FileNode, type SymlinkNode } from "./directory.ts";
import type { LocalIndex } from "./local-index.ts";
import type { Cas } from "./store.ts";

export interface LocalImportOptions {
  /** Remembers digests of files that did not change. */
  readonly index?: LocalIndex;
  /** Whether blobs and Directory messages must be in the store afterwards; if not, only digests are computed. Default true. */
  readonly ensureBlobs?: boolean;
}

export interface LocalFile {
  readonly digest: Digest;
  readonly executable: boolean;
}

/** The tree of a local directory. Owner, mode (but for the executable bit) and times do not count. */
export function importLocal(cas: Cas, directory: string, options: LocalImportOptions = {}): Digest {
  const files: FileNode[] = [];
  const directories: DirectoryNode[] = [];
  const symlinks: SymlinkNode[] = [];
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const { name } = entry;
    const path = `${directory}/${name}`;
    if (entry.isDirectory()) directories.push({ name, digest: importLocal(cas, path, options) });
    else if (entry.isSymbolicLink()) symlinks.push({ name, target: fs.readlinkSync(path) });
    else if (entry.isFile()) files.push({ name, ...importLocalFile(cas, path, options) });
  }
  const bytes = encodeDirectory({ files, directories, symlinks });
  return options.ensureBlobs === false ? digestOf(bytes) : cas.write(bytes);
}

/** One local file; symlinks are followed. */
export function importLocalFile(cas: Cas, path: string, options: LocalImportOptions = {}): LocalFile {
  const executable = (fs.statSync(path).mode & 0o100) !== 0;
  const digest = options.ensureBlobs === false ? digestOf(fs.readFileSync(path)) : cas.importFile(path);
  return { digest, executable };
}
