/**
 * Remembers between runs which blobs and trees were found whole. What is added to the store or removed from it changes the
 * time of the folder that it is in: there, blobs are looked for again, and only there.
 */
import fs from "node:fs";
import { readCacheFile, writeCacheFile } from "../base/cache-file.ts";

/** A folder that changed so shortly before it was looked at may change again without a new time. */
const TICK_MS = 2500;
const FOLDERS = 256;
/** Of each folder: inode, and times of its content and of itself, in nanoseconds; zeros where they tell nothing. */
const STATE_NUMBERS = 3;
const STATES_BYTES = FOLDERS * STATE_NUMBERS * 8;
const HASH_BYTES = 32;
/** In the place of each number, for a folder that is not there. */
const ABSENT = -1n;

export class Presence {
  readonly #objects: string;
  readonly #file: string;
  /** What the folders of the store looked like before the first question was asked. */
  readonly #states: BigInt64Array;
  /** By folder: whether it is as it was when `#remembered` was written. */
  readonly #isUnchanged: readonly boolean[];
  readonly #isStoreUnchanged: boolean;
  readonly #remembered: ReadonlySet<string>;
  readonly #found = new Set<string>();

  /**
   * @param objects the folder of the blobs, by the first two digits of their hashes
   * @param file where the index is kept
   */
  constructor(objects: string, file: string) {
    this.#objects = objects;
    this.#file = file;
    this.#states = statesOf(objects);
    const { states, hashes } = read(file);
    this.#isUnchanged = Array.from({ length: FOLDERS }, (_, folder) => isSame(this.#states, states, folder));
    this.#isStoreUnchanged = !this.#isUnchanged.includes(false);
    this.#remembered = hashes;
  }

  /** Whether nothing need be looked at to know that a blob is there, or a tree whole. */
  has(hash: string): boolean {
    return this.#found.has(hash) || (this.#isStoreUnchanged && this.#remembered.has(hash));
  }

  /** Whether it was there, or whole, in an earlier run; so is now what of it {@link isUnchanged}. */
  had(hash: string): boolean {
    return this.#remembered.has(hash);
  }

  /** Whether a blob is there if it was. */
  isUnchanged(hash: string): boolean {
    return this.#isUnchanged[Number.parseInt(hash.slice(0, 2), 16)] === true;
  }

  add(hash: string): void {
    this.#found.add(hash);
  }

  /** Keeps what was found, of the folders that did not change meanwhile. That it can't be written only costs time later. */
  save(): void {
    if (this.#found.size === 0) return;
    const states = statesOf(this.#objects);
    for (let folder = 0; folder < FOLDERS; folder++) {
      if (!isSame(this.#states, states, folder)) states.fill(0n, folder * STATE_NUMBERS, (folder + 1) * STATE_NUMBERS);
    }
    const hashes = this.#isStoreUnchanged ? new Set([...this.#remembered, ...this.#found]) : this.#found;
    const pieces = [...hashes].map((hash) => Buffer.from(hash, "hex"));
    writeCacheFile(this.#file, [Buffer.concat([new Uint8Array(states.buffer), ...pieces])]);
  }
}

function read(file: string): { readonly states: BigInt64Array; readonly hashes: ReadonlySet<string> } {
  const states = new BigInt64Array(FOLDERS * STATE_NUMBERS);
  const hashes = new Set<string>();
  const bytes = readCacheFile(file);
  if (bytes === undefined || bytes.length < STATES_BYTES || (bytes.length - STATES_BYTES) % HASH_BYTES !== 0)
    return { states, hashes };
  new Uint8Array(states.buffer).set(bytes.subarray(0, STATES_BYTES));
  const all = bytes.toString("hex", STATES_BYTES);
  for (let at = 0; at < all.length; at += HASH_BYTES * 2) hashes.add(all.slice(at, at + HASH_BYTES * 2));
  return { states, hashes };
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
