/** Remembers the digests of local files and directories by what the system says of them, like git's index. */
import fs from "node:fs";
import path from "node:path";
import { systemErrorCode } from "../base/errors.ts";
import type { Digest } from "./digest.ts";
import type { DirectoryNode, SymlinkNode } from "./directory.ts";
import { decodeRecords, encodeRecords } from "./local-index-format.ts";

/** A file that still has all of these still has its content. Times in nanoseconds since 1970. */
export interface Identity {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
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
  return a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
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
  const tick = stat.ctimeNs % 1_000_000_000n === 0n ? COARSE_TICK : FINE_TICK;
  if (now - Number(stat.ctimeNs / 1_000_000n) < tick) return undefined;
  const { size, mtimeNs, ctimeNs, ino, dev } = stat;
  return { size, mtimeNs, ctimeNs, ino, dev };
}

export class LocalIndex {
  readonly #file: string;
  #records: Map<string, LocalRecord> | undefined;
  readonly #seen = new Set<string>();
  #changed = false;

  /** @param directory where the index is kept between runs, one for each project; made when it is saved */
  constructor(directory: string) {
    this.#file = `${directory}/local-index`;
  }

  /** @param key an absolute path, with anything before its first slash */
  get(key: string): LocalRecord | undefined {
    this.#seen.add(key);
    return this.#load().get(key);
  }

  set(key: string, record: LocalRecord): void {
    this.#load().set(key, record);
    this.#changed = true;
  }

  /** Writes the index if it changed. That it can't be written is no error: it only costs time later. */
  save(): void {
    if (!this.#changed) return;
    const records = this.#load();
    for (const key of records.keys()) {
      if (!this.#seen.has(key) && !fs.existsSync(key.slice(key.indexOf("/")))) records.delete(key);
    }
    const temporary = `${this.#file}.${process.pid}`;
    const bytes = encodeRecords(records);
    ignoringFailure(() => {
      fs.mkdirSync(path.dirname(this.#file), { recursive: true });
      fs.writeFileSync(temporary, bytes);
      fs.renameSync(temporary, this.#file);
      this.#changed = false;
    });
    if (this.#changed) ignoringFailure(() => fs.rmSync(temporary, { force: true }));
  }

  #load(): Map<string, LocalRecord> {
    this.#records ??= this.#read();
    return this.#records;
  }

  #read(): Map<string, LocalRecord> {
    const bytes = ignoringFailure(() => fs.readFileSync(this.#file));
    return (bytes === undefined ? undefined : decodeRecords(bytes)) ?? new Map();
  }
}

function ignoringFailure<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
