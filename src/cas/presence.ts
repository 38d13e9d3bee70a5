/** Remembers between runs which blobs and trees were found whole, for as long as nothing is added to or removed from the store. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { readCacheFile, writeCacheFile } from "../base/cache-file.ts";

/** A folder that changed so shortly before it was looked at may change again without a new time. */
const TICK_MS = 2500;
const HASH_BYTES = 32;

export class Presence {
  readonly #objects: string;
  readonly #file: string;
  /** What the folders of the store looked like when the first question was asked. */
  readonly #state: string | undefined;
  readonly #known: Set<string>;
  #changed = false;

  /**
   * @param objects the folder of the blobs, by the first two digits of their hashes
   * @param file where the index is kept
   */
  constructor(objects: string, file: string) {
    this.#objects = objects;
    this.#file = file;
    this.#state = stateOf(objects);
    this.#known = this.#read();
  }

  has(hash: string): boolean {
    return this.#known.has(hash);
  }

  add(hash: string): void {
    this.#known.add(hash);
    this.#changed = true;
  }

  /** Keeps what was found, unless the store changed meanwhile. That it can't be written only costs time later. */
  save(): void {
    if (!this.#changed || this.#state === undefined || stateOf(this.#objects) !== this.#state) return;
    const hashes = [...this.#known].map((hash) => Buffer.from(hash, "hex"));
    if (writeCacheFile(this.#file, [Buffer.concat([Buffer.from(this.#state, "hex"), ...hashes])]))
      this.#changed = false;
  }

  #read(): Set<string> {
    const known = new Set<string>();
    const bytes = readCacheFile(this.#file);
    if (bytes === undefined) return known;
    if (bytes.length % HASH_BYTES !== 0 || bytes.toString("hex", 0, HASH_BYTES) !== this.#state) return known;
    const all = bytes.toString("hex");
    for (let at = HASH_BYTES * 2; at < all.length; at += HASH_BYTES * 2) known.add(all.slice(at, at + HASH_BYTES * 2));
    return known;
  }
}

/** A hash over the times of all folders of the store; undefined while they are too young to be told apart later. */
function stateOf(objects: string): string | undefined {
  const hash = createHash("sha256");
  const now = Date.now();
  for (let i = 0; i < 256; i++) {
    const name = i.toString(16).padStart(2, "0");
    const stat = fs.statSync(`${objects}/${name}`, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (now - Number(stat.mtimeNs / 1_000_000n) < TICK_MS) return undefined;
    hash.update(`${name} ${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs}\n`);
  }
  return hash.digest("hex");
}
