/** Remembers the digests of local files and directories by what the system says of them, like git's index. */
import fs from "node:fs";
import { readCacheFile, writeCacheFile } from "../base/cache-file.ts";
import type { Digest } from "./digest.ts";
import type { DirectoryNode, SymlinkNode } from "./directory.ts";
import { encodeRecords, type PackedRecord, PackedRecords } from "./local-index-format.ts";

/**
 * A file that still has all of these still has its content. Times in milliseconds since 1970: as numbers they are exact
 * to a quarter of a microsecond, and the system gives them much faster than as integers of nanoseconds.
 */
export interface Identity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
}

export interface FileRecord {
  readonly name: string;
  /** Undefined if the file was too young to be trusted. */
  readonly identity: Identity | undefined;
  readonly digest: Digest;
  readonly executable: boolean;
}

/** A directory; or a file that was imported for itself, as the one file of a record with the file's own path. */
export interface LocalRecord {
  /** Of the directory: as long as it stays, so do the names in it. Undefined if it was too young. */
  readonly identity: Identity | undefined;
  /** Undefined if not known. */
  readonly digest: Digest | undefined;
  readonly files: readonly FileRecord[];
  readonly directories: readonly DirectoryNode[];
  readonly symlinks: readonly SymlinkNode[];
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

const OWNER_EXECUTES = 0o100;

/** As trees have it: whether the owner may execute the file. */
export function isExecutable({ mode }: { readonly mode: number }): boolean {
  return (mode & OWNER_EXECUTES) !== 0;
}

const FINE_TICK = 50;
const COARSE_TICK = 2500;

/**
 * The identity to remember of something that is read after `stat`, which was called at `now` (milliseconds). It is
 * undefined if a later change could leave the identity as it is, since the clock of the file system has not ticked in
 * between ("racily clean" in git's words). That clock ticks at least every 10 ms, but for those that know whole or even
 * seconds only.
 */
export function lastingIdentity(stat: Identity, now: number): Identity | undefined {
  const tick = stat.ctimeMs % 1000 === 0 ? COARSE_TICK : FINE_TICK;
  if (now - stat.ctimeMs < tick) return undefined;
  const { size, mtimeMs, ctimeMs, ino, dev } = stat;
  return { size, mtimeMs, ctimeMs, ino, dev };
}

/** The path in a record's key. */
function pathOf(key: string): string {
  return key.slice(key.indexOf("/"));
}

export class LocalIndex {
  readonly #file: string;
  /** As they were kept; loaded when first asked for. */
  #kept: PackedRecords | "none" | undefined;
  /** What differs from those. */
  readonly #changes = new Map<string, LocalRecord>();
  readonly #seen = new Set<string>();

  /** @param directory where the index is kept between runs, one for each project; made when it is saved */
  constructor(directory: string) {
    this.#file = `${directory}/local-index`;
  }

  /** @param key an absolute path, with anything before its first slash */
  get(key: string): LocalRecord | undefined {
    this.#seen.add(key);
    return this.#changes.get(key) ?? this.#load()?.get(key);
  }

  /** The record of a directory in which, besides its subdirectories, nothing changed since the record was kept. */
  unchanged(key: string): PackedRecord | undefined {
    if (this.#changes.has(key)) return undefined;
    this.#seen.add(key);
    const record = this.#load()?.find(key);
    if (record === undefined) return undefined;
    return record.isUnchanged(pathOf(key)) ? record : undefined;
  }

  set(key: string, record: LocalRecord): void {
    this.#changes.set(key, record);
  }

  /** Writes the index if it changed. That it can't be written is no error: it only costs time later. */
  save(): void {
    if (this.#changes.size === 0) return;
    writeCacheFile(this.#file, [encodeRecords(this.#records())]);
  }

  /** All but those of directories that are gone. */
  *#records(): Iterable<readonly [string, LocalRecord]> {
    yield* this.#changes;
    const kept = this.#load();
    for (const key of kept?.keys() ?? []) {
      if (this.#changes.has(key) || !(this.#seen.has(key) || fs.existsSync(pathOf(key)))) continue;
      const record = kept?.get(key);
      if (record !== undefined) yield [key, record];
    }
  }

  #load(): PackedRecords | undefined {
    this.#kept ??= this.#read() ?? "none";
    return this.#kept === "none" ? undefined : this.#kept;
  }

  #read(): PackedRecords | undefined {
    const bytes = readCacheFile(this.#file);
    return bytes && PackedRecords.read(bytes);
  }
}
