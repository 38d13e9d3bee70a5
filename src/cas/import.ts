/** Local files and directories as trees, the way BuildStream's `local` and `workspace` sources take them. */
import fs from "node:fs";
import path from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { type Digest, digestOf, digestOfFile } from "./digest.ts";
import { type DirectoryNode, encodeDirectory, type FileNode, type SymlinkNode, type Timestamp } from "./directory.ts";
import {
  type FileRecord,
  isExecutable,
  type LocalIndex,
  type LocalRecord,
  lastingIdentity,
  sameIdentity,
} from "./local-index.ts";
import type { Cas } from "./store.ts";

export interface LocalImportOptions {
  /** Spares reading what did not change since it was imported before. The caller saves it. */
  readonly index?: LocalIndex;
  /** Which blobs are in the store afterwards: all, the default; those that the index did not know; or none more. */
  readonly store?: "all" | "new" | "none";
  /** Keeps the modification times of files and directories, to the microsecond; `below` all but the directory's own. */
  readonly mtimes?: boolean | "below";
}

export interface LocalFile {
  readonly digest: Digest;
  readonly executable: boolean;
}

/**
 * The tree of a local directory: names, contents, the owner's right to execute, targets of symlinks. Sockets, pipes and
 * devices are left out. Throws BstError in domain "cas" if something can't be read or named in UTF-8.
 */
export function importLocal(cas: Cas, directory: string, options: LocalImportOptions = {}): Digest {
  return reading(() => new Import(cas, options).directory(path.resolve(directory)));
}

/** The tree of a local directory, or for a file a tree that has nothing but the file. */
export function importLocalPath(cas: Cas, file: string, options: LocalImportOptions = {}): Digest {
  return reading(() => {
    const run = new Import(cas, options);
    const directory = path.resolve(file);
    const unchanged = run.unchanged(directory);
    if (unchanged !== undefined) return unchanged;
    if (fs.lstatSync(directory).isDirectory()) return run.directory(directory);
    const files = [{ name: path.basename(file), ...run.single(directory) }];
    const bytes = encodeDirectory({ files, directories: [], symlinks: [] });
    return options.store === "none" ? digestOf(bytes) : cas.write(bytes);
  });
}

/** One local file, also by a symlink to it. Whether it is executable is asked of the system, on behalf of the caller. */
export function importLocalFile(cas: Cas, file: string, options: LocalImportOptions = {}): LocalFile {
  return reading(() => new Import(cas, options).single(path.resolve(file)));
}

function reading<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (systemErrorCode(error) === undefined || !(error instanceof Error)) throw error;
    throw new BstError("cas", `Can't import local files: ${error.message}`, { cause: error });
  }
}

const SECOND = 1_000_000_000n;

class Import {
  readonly #cas: Cas;
  readonly #index: LocalIndex | undefined;
  /** Whether what is read is stored as well. */
  readonly #storeRead: boolean;
  /** Whether what is known is looked for in the store. */
  readonly #storeKnown: boolean;
  readonly #mtimes: boolean;
  readonly #rootMtime: boolean;
  /** Directories that were found unchanged, by their keys. */
  readonly #found = new Map<string, Digest>();

  constructor(cas: Cas, options: LocalImportOptions) {
    this.#cas = cas;
    this.#index = options.index;
    this.#storeRead = options.store !== "none";
    this.#storeKnown = (options.store ?? "all") === "all";
    this.#mtimes = options.mtimes !== undefined && options.mtimes !== false;
    this.#rootMtime = options.mtimes === true;
  }

  directory(directory: string, ownMtime = this.#rootMtime): Digest {
    const unchanged = this.unchanged(directory, ownMtime);
    if (unchanged !== undefined) return unchanged;
    const key = this.#key(directory, ownMtime);
    const known = this.#index?.get(key);
    const now = Date.now();
    const stat = fs.lstatSync(directory);
    const sameNames = known?.identity !== undefined && sameIdentity(known.identity, stat);
    const names = sameNames ? known : listDirectory(directory);
    const before = sameNames ? known : knownByName(known, names);

    let changed = !sameNames;
    const records = names.files.map(({ name }, i) => {
      const file = `${directory}/${name}`;
      const stat = fs.lstatSync(file);
      const record = this.#file(file, name, stat, isExecutable(stat), before.files[i]);
      changed ||= record !== before.files[i];
      return record;
    });
    const directories = names.directories.map(({ name }, i) => {
      const digest = this.directory(`${directory}/${name}`, this.#mtimes);
      changed ||= before.directories[i]?.digest.hash !== digest.hash;
      return { name, digest };
    });
    if (!changed && known?.digest !== undefined && (!this.#storeKnown || this.#cas.has(known.digest)))
      return known.digest;

    const { symlinks } = names;
    const bytes = encodeDirectory({
      files: records.map((record) => ({ ...fileNode(record), ...this.#mtime(`${directory}/${record.name}`) })),
      directories,
      symlinks,
      ...(ownMtime && this.#mtime(directory)),
    });
    const digest = this.#storeRead ? this.#cas.write(bytes) : digestOf(bytes);
    if (changed) {
      const identity = lastingIdentity(stat, now);
      this.#index?.set(key, { identity, digest, files: records, directories, symlinks });
    }
    return digest;
  }

  /** The same directory has other digests with and without times. */
  #key(directory: string, ownMtime: boolean): string {
    return ownMtime ? `mtimes:${directory}` : this.#mtimes ? `below:${directory}` : directory;
  }

  /** The digest of a directory in which everything is as the index has it, where the store need not have it. */
  unchanged(directory: string, ownMtime = this.#rootMtime): Digest | undefined {
    if (this.#storeKnown) return undefined;
    const key = this.#key(directory, ownMtime);
    const found = this.#found.get(key);
    if (found !== undefined) return found;
    const record = this.#index?.unchanged(key);
    if (record === undefined) return undefined;
    for (let i = 0; i < record.directoryCount; i++) {
      const { name, digest } = record.directory(i);
      if (this.unchanged(`${directory}/${name}`, this.#mtimes)?.hash !== digest.hash) return undefined;
    }
    const { digest } = record;
    if (digest !== undefined) this.#found.set(key, digest);
    return digest;
  }

  #mtime(file: string): { readonly mtime?: Timestamp } {
    return this.#mtimes ? { mtime: timestamp(fs.lstatSync(file, { bigint: true }).mtimeNs) } : {};
  }

  single(file: string): LocalFile {
    const known = this.#index?.get(file)?.files[0];
    const record = this.#file(file, "", fs.statSync(file), canExecute(file), known);
    if (record !== known) {
      this.#index?.set(file, {
        identity: undefined,
        digest: undefined,
        files: [record],
        directories: [],
        symlinks: [],
      });
    }
    return { digest: record.digest, executable: record.executable };
  }

  /** `known` itself if nothing has to be done. */
  #file(file: string, name: string, stat: fs.Stats, executable: boolean, known: FileRecord | undefined): FileRecord {
    if (known?.identity !== undefined && sameIdentity(known.identity, stat) && known.executable === executable) {
      if (!this.#storeKnown || this.#cas.has(known.digest)) return known;
    }
    if (!stat.isFile()) throw new BstError("cas", `Can't import local files: '${file}' is not a regular file`);
    const now = Date.now();
    const digest = this.#storeRead ? this.#cas.importFile(file) : digestOfFile(file);
    return { name, identity: lastingIdentity(stat, now), digest, executable };
  }
}

interface Names {
  readonly files: readonly { readonly name: string }[];
  readonly directories: readonly { readonly name: string }[];
  readonly symlinks: readonly SymlinkNode[];
}

function listDirectory(directory: string): Names {
  const files: { name: string }[] = [];
  const directories: { name: string }[] = [];
  const symlinks: SymlinkNode[] = [];
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const { name } = entry;
    const file = `${directory}/${name}`;
    // What is no UTF-8 is read as this character; then nothing of the name that results is there.
    if (name.includes("\ufffd") && !fs.existsSync(file)) throw notUtf8("name", file);
    if (entry.isFile()) files.push({ name });
    else if (entry.isDirectory()) directories.push({ name });
    else if (entry.isSymbolicLink()) symlinks.push({ name, target: readTarget(file) });
  }
  return { files, directories, symlinks };
}

function readTarget(file: string): string {
  const target = fs.readlinkSync(file);
  if (target.includes("\ufffd") && !fs.readlinkSync(file, "buffer").equals(Buffer.from(target))) {
    throw notUtf8("target", file);
  }
  return target;
}

function notUtf8(what: string, file: string): BstError {
  return new BstError("cas", `Can't import local files: the ${what} of '${file}' is not UTF-8`);
}

interface Known {
  readonly files: readonly (FileRecord | undefined)[];
  readonly directories: readonly (DirectoryNode | undefined)[];
}

/** What is known of each name. */
function knownByName(record: LocalRecord | undefined, names: Names): Known {
  const files = new Map(record?.files.map((file) => [file.name, file]));
  const directories = new Map(record?.directories.map((directory) => [directory.name, directory]));
  return {
    files: names.files.map(({ name }) => files.get(name)),
    directories: names.directories.map(({ name }) => directories.get(name)),
  };
}

function fileNode({ name, digest, executable }: FileRecord): FileNode {
  return { name, digest, executable };
}

/** Cut off after the microseconds, as buildbox-casd does. */
function timestamp(mtimeNs: bigint): Timestamp {
  const nanos = ((mtimeNs % SECOND) + SECOND) % SECOND;
  return { seconds: Number((mtimeNs - nanos) / SECOND), nanos: Number(nanos - (nanos % 1000n)) };
}

function canExecute(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== "EACCES") throw error;
    return false;
  }
}
