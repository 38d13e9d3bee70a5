/** Lists of blobs, as they are kept in a file: looked up where they lie, as most are never asked for. */
import type { Digest } from "./digest.ts";

/** The store has a folder for each first byte of a hash. */
export const FOLDERS = 256;
const HASH_BYTES = 32;
const SIZE_BYTES = 6;
/** A hash, a size, and whether it is the root of a tree that is whole. */
const ENTRY_BYTES = HASH_BYTES + SIZE_BYTES + 1;

export interface KnownBlob extends Digest {
  readonly isWholeTree: boolean;
}

/** Of a hash, as a number. */
export function folderOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 2), 16);
}

export class KnownBlobs {
  readonly #bytes: Buffer;
  /** Where the entries of each folder begin in the bytes, and where those of the last end. */
  readonly #starts: Uint32Array = new Uint32Array(FOLDERS + 1);

  /** @param bytes what {@link with} gave */
  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes;
    let folder = 0;
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES)
      while (folder < (bytes[at] ?? 0)) this.#starts[++folder] = at;
    this.#starts.fill(bytes.length, folder + 1);
  }

  has(hash: string): boolean {
    return this.#find(hash) !== undefined;
  }

  isWholeTree(hash: string): boolean {
    return this.#find(hash)?.isWholeTree === true;
  }

  *inFolder(folder: number): Generator<KnownBlob> {
    const end = this.#starts[folder + 1] ?? 0;
    for (let at = this.#starts[folder] ?? 0; at < end; at += ENTRY_BYTES) yield this.#entry(at);
  }

  #find(hash: string): KnownBlob | undefined {
    const folder = folderOf(hash);
    const start = this.#starts[folder] ?? 0;
    const end = this.#starts[folder + 1] ?? 0;
    const entries = this.#bytes.subarray(start, end);
    const wanted = Buffer.from(hash, "hex");
    for (let at = entries.indexOf(wanted); at >= 0; at = entries.indexOf(wanted, at + 1))
      if (at % ENTRY_BYTES === 0) return this.#entry(start + at);
    return undefined;
  }

  #entry(at: number): KnownBlob {
    return {
      hash: this.#bytes.toString("hex", at, at + HASH_BYTES),
      size: this.#bytes.readUIntLE(at + HASH_BYTES, SIZE_BYTES),
      isWholeTree: this.#bytes[at + ENTRY_BYTES - 1] === 1,
    };
  }

  /** The bytes of these and others, which tell more of those that are in both. */
  with(others: Iterable<KnownBlob>): Buffer {
    const added = Array.from({ length: FOLDERS }, (): KnownBlob[] => []);
    let count = this.#bytes.length / ENTRY_BYTES;
    for (const blob of others) {
      const known = this.#find(blob.hash);
      if (known !== undefined && (known.isWholeTree || !blob.isWholeTree)) continue;
      added[folderOf(blob.hash)]?.push(blob);
      count++;
    }
    const bytes = Buffer.alloc(count * ENTRY_BYTES);
    let at = 0;
    for (const [folder, blobs] of added.entries()) {
      for (const blob of blobs) at = putEntry(bytes, at, blob);
      at += this.#bytes.copy(bytes, at, this.#starts[folder], this.#starts[folder + 1]);
    }
    return bytes;
  }
}

function putEntry(bytes: Buffer, at: number, { hash, size, isWholeTree }: KnownBlob): number {
  bytes.write(hash, at, "hex");
  bytes.writeUIntLE(size, at + HASH_BYTES, SIZE_BYTES);
  return bytes.writeUInt8(isWholeTree ? 1 : 0, at + HASH_BYTES + SIZE_BYTES);
}
