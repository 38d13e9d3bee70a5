/** Turns the tree of a commit into a tree of the store, straight from the objects: nothing is checked out on the way. */
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { DirectoryNode, FileNode, SymlinkNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import {
  DIRECTORY,
  FILE_TYPE,
  GITLINK,
  missing,
  type ObjectReader,
  parseTree,
  SYMLINK,
  type TreeEntry,
} from "./git-objects.ts";

/** As deep as git itself follows folders. */
const DEEPEST = 2048;

/** An entry that is no directory. */
export interface Entry {
  readonly path: Buffer;
  readonly mode: number;
  readonly oid: string;
}

/** Trees as git has them, each read once. */
export class Trees {
  readonly #reader: ObjectReader;
  readonly #known = new Map<string, readonly TreeEntry[]>();

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  /** Reads trees and all that are below them. */
  async load(roots: readonly string[]): Promise<void> {
    let level = new Set(roots);
    for (let depth = 0; level.size > 0; depth++) {
      if (depth > DEEPEST) throw new BstError("source", `The repository has folders more than ${DEEPEST} deep`);
      const next = new Set<string>();
      await this.#reader.each(
        [...level].filter((oid) => !this.#known.has(oid)),
        (oid, object) => {
          if (object === undefined || object.type !== "tree") throw missing(oid);
          const entries = parseTree(object.bytes);
          this.#known.set(oid, entries);
          for (const entry of entries) if (isDirectory(entry)) next.add(entry.oid);
        },
      );
      level = next;
    }
  }

  of(oid: string): readonly TreeEntry[] {
    const entries = this.#known.get(oid);
    if (entries === undefined) throw missing(oid);
    return entries;
  }

  /** The names of all trees that were read. */
  names(): Iterable<string> {
    return this.#known.keys();
  }

  /** All entries of all trees that were read, the same tree once. */
  *all(): Generator<TreeEntry> {
    for (const entries of this.#known.values()) yield* entries;
  }
}

export interface WorktreeOptions {
  /** What becomes of names that no checkout may have, such as `.git`: an error by default. */
  readonly skipForbidden?: boolean;
}

/** A commit's files as they are in the repository. */
export class Worktree {
  readonly #cas: Cas;
  readonly #trees: Trees;
  readonly #skipForbidden: boolean;
  readonly #blobs = new Map<string, Digest>();
  readonly #targets = new Map<string, string>();
  readonly #digests = new Map<string, Digest | undefined>();

  constructor(cas: Cas, trees: Trees, { skipForbidden = false }: WorktreeOptions = {}) {
    this.#cas = cas;
    this.#trees = trees;
    this.#skipForbidden = skipForbidden;
  }

  /** All entries but directories, in the order of an index: by the bytes of their paths. */
  entries(root: string): Entry[] {
    const found: Entry[] = [];
    const slash = Buffer.from("/");
    const walk = (oid: string, prefix: Buffer): void => {
      for (const entry of this.#allowed(oid)) {
        const path = Buffer.concat([prefix, entry.name]);
        if (isDirectory(entry)) walk(entry.oid, Buffer.concat([path, slash]));
        else found.push({ path, mode: entry.mode, oid: entry.oid });
      }
    };
    walk(root, Buffer.alloc(0));
    return found.sort((a, b) => Buffer.compare(a.path, b.path));
  }

  /** Stores all files of a tree. @returns its digest */
  async store(root: string, reader: ObjectReader, signal: AbortSignal): Promise<Digest> {
    const blobs = new Set<string>();
    const links = new Set<string>();
    const visited = new Set<string>();
    const visit = (oid: string): void => {
      if (visited.has(oid)) return;
      visited.add(oid);
      for (const entry of this.#allowed(oid)) {
        const type = entry.mode & FILE_TYPE;
        if (type === DIRECTORY) visit(entry.oid);
        else if (type === SYMLINK) links.add(entry.oid);
        else if (type !== GITLINK) blobs.add(entry.oid);
      }
    };
    visit(root);
    await reader.each([...blobs], (oid, object) => {
      if (object === undefined) throw missing(oid);
      signal.throwIfAborted();
      this.#blobs.set(oid, this.#cas.write(object.bytes));
    });
    await reader.each([...links], (oid, object) => {
      if (object === undefined) throw missing(oid);
      this.#targets.set(oid, utf8(object.bytes, "target of a symbolic link"));
    });
    return this.#directory(root) ?? this.#cas.writeDirectory({ files: [], directories: [], symlinks: [] });
  }

  /** Undefined for trees without files, of which no folder is made. */
  #directory(oid: string): Digest | undefined {
    if (this.#digests.has(oid)) return this.#digests.get(oid);
    const files: FileNode[] = [];
    const directories: DirectoryNode[] = [];
    const symlinks: SymlinkNode[] = [];
    for (const entry of this.#allowed(oid)) {
      const name = utf8(entry.name, "name of a file");
      const type = entry.mode & FILE_TYPE;
      if (type === DIRECTORY) {
        const digest = this.#directory(entry.oid);
        if (digest !== undefined) directories.push({ name, digest });
      } else if (type === GITLINK) {
        directories.push({ name, digest: this.#cas.writeDirectory({ files: [], directories: [], symlinks: [] }) });
      } else if (type === SYMLINK) {
        symlinks.push({ name, target: this.#targets.get(entry.oid) ?? "" });
      } else {
        const digest = this.#blobs.get(entry.oid);
        if (digest === undefined) throw missing(entry.oid);
        files.push({ name, digest, executable: (entry.mode & 0o100) !== 0 });
      }
    }
    const isEmpty = files.length + directories.length + symlinks.length === 0;
    const digest = isEmpty ? undefined : this.#cas.writeDirectory({ files, directories, symlinks });
    this.#digests.set(oid, digest);
    return digest;
  }

  *#allowed(oid: string): Generator<TreeEntry> {
    for (const entry of this.#trees.of(oid)) {
      if (!isForbidden(entry.name)) yield entry;
      else if (!this.#skipForbidden) {
        throw new BstError("source", `The repository has a file of the forbidden name '${entry.name}'`);
      }
    }
  }
}

function isDirectory({ mode }: TreeEntry): boolean {
  return (mode & FILE_TYPE) === DIRECTORY;
}

/** Names that would lead out of the folder, or into what git keeps there itself. */
function isForbidden(name: Buffer): boolean {
  // Nearly all are longer.
  if (name.length > 4 && !name.includes(0x2f)) return false;
  const text = name.toString("latin1").toLowerCase();
  return text === "" || text === "." || text === ".." || text === ".git" || text.includes("/");
}

function utf8(bytes: Buffer, what: string): string {
  const text = bytes.toString("utf8");
  if (text.includes("\ufffd") && !Buffer.from(text).equals(bytes)) {
    throw new BstError("source", `The ${what} in the repository is not UTF-8: '${text}'`);
  }
  return text;
}
