/** Remembers between runs which blobs and trees were found whole, for as long as nothing is added to or removed from the store. */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname } from "node:path";
import { systemErrorCode } from "../base/errors.ts";

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
    const temporary = `${this.#file}.${randomBytes(6).toString("hex")}`;
    const hashes = [...this.#known].map((hash) => Buffer.from(hash, "hex"));
    try {
      fs.mkdirSync(dirname(this.#file), { recursive: true });
      fs.writeFileSync(temporary, Buffer.concat([Buffer.from(this.#state, "hex"), ...hashes]));
      fs.renameSync(temporary, this.#file);
      this.#changed = false;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      fs.rmSync(temporary, { force: true });
    }
  }

  #read(): Set<string> {
    const known = new Set<string>();
    let bytes: Buffer;
    try {
      bytes = fs.readFileSync(this.#file);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return known;
    }
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
