/**
 * Remembers between runs which blobs are there, and which trees are whole. What is added to the store or removed from it
 * changes the time of the folder that it is in: what is remembered of that folder is looked for again, and of no other.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { readCacheFile, writeCacheFile } from "../base/cache-file.ts";
import type { Digest } from "./digest.ts";
import { FOLDERS, folderOf, type KnownBlob, KnownBlobs } from "./known-blobs.ts";

/** Part of the checksum. Change the number whenever the format changes: other files are ignored. */
const FORMAT = "bst-ts presence 3";
const CHECKSUM_BYTES = 32;
/** A folder that changed so shortly before it was looked at may change again without a new time. */
const TICK_MS = 2500;
/** Of each folder: inode, and times of its content and of itself, in nanoseconds; zeros where they tell nothing. */
const STATE_NUMBERS = 3;
const STATES_BYTES = FOLDERS * STATE_NUMBERS * 8;
/** In the place of each number, for a folder that is not there. */
const ABSENT = -1n;
/** Of half a million blobs. More are not remembered; all of them are forgotten then. */
const MOST_BYTES = 20 << 20;
const NO_BYTES = new Uint8Array();
const NONE: ReadonlySet<string> = new Set();

export class Presence {
  readonly #file: string;
  readonly #has: (digest: Digest) => boolean;
  readonly #statesNow: () => BigInt64Array<ArrayBuffer>;
  /** What the folders of the store looked like before the first question was asked. */
  readonly #states: BigInt64Array;
  /** By folder: whether it is as it was when `#known` was written. */
  readonly #isUnchanged: readonly boolean[];
  readonly #known: KnownBlobs;
  /** By folder: the hashes of what is known and yet gone, of those that were looked at. */
  readonly #gone: (ReadonlySet<string> | undefined)[] = [];
  readonly #found = new Map<string, KnownBlob>();

  /**
   * @param objects the folder of the blobs, by the first two digits of their hashes
   * @param file where the index is kept
   * @param has looks for a blob
   */
  constructor(objects: string, file: string, has: (digest: Digest) => boolean) {
    this.#file = file;
    this.#has = has;
    this.#statesNow = () => statesOf(objects);
    this.#states = this.#statesNow();
    const { states, known } = read(file);
    this.#isUnchanged = Array.from({ length: FOLDERS }, (_, folder) => isSame(this.#states, states, folder));
    this.#known = known;
  }

  /** Whether a blob is known to be there: not looked for, unless something changed in its folder. */
  hasBlob(hash: string): boolean {
    return this.#found.has(hash) || (this.#known.has(hash) && !this.#goneOf(folderOf(hash)).has(hash));
  }

  /** Whether a tree is known to be whole: it was, and of what was there then nothing is gone. */
  hasTree(hash: string): boolean {
    return this.#found.get(hash)?.isWholeTree === true || (this.#known.isWholeTree(hash) && this.#isAllThere());
  }

  addBlob({ hash, size }: Digest): void {
    if (!this.#found.has(hash)) this.#found.set(hash, { hash, size, isWholeTree: false });
  }

  /** The blobs of a whole tree were added, or belong to one that {@link hasTree}. */
  addTree({ hash, size }: Digest): void {
    this.#found.set(hash, { hash, size, isWholeTree: true });
  }

  /** Keeps what was found, of the folders that did not change meanwhile. That it can't be written only costs time later. */
  save(): void {
    // Nothing was found, and nothing had to be looked for.
    if (this.#found.size === 0 && this.#gone.length === 0) return;
    const states = this.#statesNow();
    for (let folder = 0; folder < FOLDERS; folder++) {
      if (!isSame(this.#states, states, folder)) states.fill(0n, folder * STATE_NUMBERS, (folder + 1) * STATE_NUMBERS);
    }
    // What is known may be what makes a tree whole that was found: it is kept, or all is forgotten.
    const blobs = (this.#isAllThere() ? this.#known : new KnownBlobs()).with(this.#found.values());
    const body = [new Uint8Array(states.buffer), blobs.length > MOST_BYTES ? NO_BYTES : blobs];
    writeCacheFile(this.#file, [checksum(body), ...body]);
  }

  #isAllThere(): boolean {
    return this.#isUnchanged.every((_, folder) => this.#goneOf(folder).size === 0);
  }

  #goneOf(folder: number): ReadonlySet<string> {
    if (this.#isUnchanged[folder] === true) return NONE;
    let gone = this.#gone[folder];
    if (gone === undefined) {
      const lost = [...this.#known.inFolder(folder)].filter((blob) => !this.#has(blob));
      gone = this.#gone[folder] = new Set(lost.map(({ hash }) => hash));
    }
    return gone;
  }
}

function read(file: string): { readonly states: BigInt64Array; readonly known: KnownBlobs } {
  const states = new BigInt64Array(FOLDERS * STATE_NUMBERS);
  const bytes = readCacheFile(file) ?? Buffer.alloc(0);
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (body.length < STATES_BYTES || !checksum([body]).equals(bytes.subarray(0, CHECKSUM_BYTES)))
    return { states, known: new KnownBlobs() };
  new Uint8Array(states.buffer).set(body.subarray(0, STATES_BYTES));
  return { states, known: new KnownBlobs(body.subarray(STATES_BYTES)) };
}

function checksum(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256").update(FORMAT);
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

function statesOf(objects: string): BigInt64Array<ArrayBuffer> {
  const states = new BigInt64Array(FOLDERS * STATE_NUMBERS);
  const now = Date.now();
  for (let folder = 0; folder < FOLDERS; folder++) {
    const path = `${objects}/${folder.toString(16).padStart(2, "0")}`;
    const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) states.fill(ABSENT, folder * STATE_NUMBERS, (folder + 1) * STATE_NUMBERS);
    else if (now - Number(stat.mtimeNs / 1_000_000n) >= TICK_MS)
      states.set([stat.ino, stat.mtimeNs, stat.ctimeNs], folder * STATE_NUMBERS);
  }
  return states;
}

/** Whether a folder is known to be the same in both. */
function isSame(a: BigInt64Array, b: BigInt64Array, folder: number): boolean {
  const start = folder * STATE_NUMBERS;
  if (a[start] === 0n) return false;
  for (let i = start; i < start + STATE_NUMBERS; i++) if (a[i] !== b[i]) return false;
  return true;
}
