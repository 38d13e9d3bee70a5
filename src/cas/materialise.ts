/** Writes trees of the store to disk. */
import fs from "node:fs";
import path from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { makeFolders } from "../base/folders.ts";
import type { Digest } from "./digest.ts";
import type { FileNode, SymlinkNode, Timestamp } from "./directory.ts";
import { linkBlob } from "./linkable.ts";
import type { Cas } from "./store.ts";

export interface MaterialiseOptions {
  /**
   * `copy`: files of the caller's own, 0644 or, if executable, 0755. `hardlink`: files that are shared with the store and
   * must not be written to. Without `mtime` they are 0444 or 0555, and their times anything; with it they are 0644 or
   * 0755, and they take as much room again, once for each blob. Where links are not possible they are copies.
   */
  readonly mode: "copy" | "hardlink";
  /** Of all that has none in the tree, in seconds since 1970. */
  readonly mtime?: number;
  /** Whether files and symlinks that exist are replaced. */
  readonly overwrite?: boolean;
}

/**
 * Writes a tree to `target`, a directory that is made if need be, with those above it; what was made is removed again on
 * failure. Directories that exist are kept, but never followed if they are symlinks below `target`. Throws BstError in
 * domain "cas" if a blob is missing, or something exists or can't be written.
 */
export function materialise(cas: Cas, tree: Digest, target: string, options: MaterialiseOptions): void {
  let made: string | undefined;
  try {
    made = makeFolders(target);
    new Writer(cas, options).directory(tree, path.resolve(target), made !== undefined);
  } catch (error) {
    if (made !== undefined) fs.rmSync(made, { recursive: true, force: true });
    if (systemErrorCode(error) === undefined || !(error instanceof Error)) throw error;
    throw new BstError("cas", `Can't write '${target}': ${error.message}`, { cause: error });
  }
}

class Writer {
  readonly #cas: Cas;
  readonly #mtime: number | undefined;
  readonly #overwrite: boolean;
  #link: boolean;

  constructor(cas: Cas, options: MaterialiseOptions) {
    this.#cas = cas;
    this.#mtime = options.mtime;
    this.#overwrite = options.overwrite ?? false;
    this.#link = options.mode === "hardlink";
  }

  directory(digest: Digest, target: string, made: boolean): void {
    const { files, directories, symlinks, mtime } = this.#cas.readDirectory(digest);
    for (const node of files) this.#make(`${target}/${node.name}`, (path) => this.#file(node, path));
    for (const node of symlinks) this.#make(`${target}/${node.name}`, (path) => this.#symlink(node, path));
    for (const node of directories) {
      const path = `${target}/${node.name}`;
      this.directory(node.digest, path, makeDirectory(path));
    }
    // Whatever the umask.
    if (made) fs.chmodSync(target, 0o755);
    const time = mtime === undefined ? this.#mtime : seconds(mtime);
    if (time !== undefined) fs.utimesSync(target, time, time);
  }

  #make(path: string, make: (path: string) => void): void {
    try {
      make(path);
    } catch (error) {
      if (!this.#overwrite || systemErrorCode(error) !== "EEXIST") throw error;
      fs.unlinkSync(path);
      make(path);
    }
  }

  #file(node: FileNode, path: string): void {
    const { digest, executable } = node;
    const mtime = node.mtime === undefined ? this.#mtime : seconds(node.mtime);
    if (!this.#link || node.mtime !== undefined || !this.#tryLink(digest, executable, path)) {
      this.#copy(digest, path, executable ? 0o755 : 0o644, mtime);
    }
  }

  /** False if a link is not possible: to another file system, to another's file, or one link too many. */
  #tryLink(digest: Digest, executable: boolean, path: string): boolean {
    try {
      if (this.#mtime !== undefined) {
        linkBlob(this.#cas, digest, { mode: executable ? 0o755 : 0o644, mtime: this.#mtime }, path);
      } else if (executable || !this.#isPlainObject(digest)) {
        linkBlob(this.#cas, digest, { mode: executable ? 0o555 : 0o444 }, path);
      } else {
        fs.linkSync(this.#cas.objectPath(digest), path);
      }
      return true;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK") throw error;
      if (code === "EXDEV") this.#link = false;
      return false;
    }
  }

  /** BuildStream's checkouts by hard links leave executable objects behind. */
  #isPlainObject(digest: Digest): boolean {
    const stat = fs.statSync(this.#cas.objectPath(digest), { throwIfNoEntry: false });
    return stat !== undefined && stat.size === digest.size && (stat.mode & 0o111) === 0;
  }

  #copy(digest: Digest, path: string, mode: number, mtime: number | undefined): void {
    const descriptor = fs.openSync(path, "wx", mode);
    try {
      this.#cas.readPieces(digest, (piece) => {
        for (let written = 0; written < piece.length; ) written += fs.writeSync(descriptor, piece, written);
      });
      fs.fchmodSync(descriptor, mode);
      if (mtime !== undefined) fs.futimesSync(descriptor, mtime, mtime);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #symlink(node: SymlinkNode, path: string): void {
    fs.symlinkSync(node.target, path);
    if (this.#mtime !== undefined) fs.lutimesSync(path, this.#mtime, this.#mtime);
  }
}

/** Whether it was made; false if it exists. */
function makeDirectory(path: string): boolean {
  try {
    fs.mkdirSync(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST" && fs.lstatSync(path).isDirectory()) return false;
    throw error;
  }
}

/** The system cuts off after the microseconds, and a double is up to 0.12 µs off: it must not fall below its microsecond. */
function seconds({ seconds, nanos }: Timestamp): number {
  return seconds + nanos / 1e9 + 4e-7;
}
