/** Packs the entries of a layer into a tar archive, in pieces of equal size. */
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import { TAR_END, tarHeader, tarPadding } from "../base/tar-header.ts";
import { sharedBuffer } from "../base/threads.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { LayerEntry } from "./layer-entries.ts";

export interface Packing {
  /** Seconds since 1970, of every entry. */
  readonly mtime: number;
  /** Bytes. */
  readonly pieceSize: number;
  /** How many pieces there are in memory: the memory of one is used again for the one so many pieces later. */
  readonly pieces: number;
  /** Called with how many bytes of files were read, again and again. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * The archive in pieces of shared memory, of equal size but for the last.
 * @throws BstError in domain "cas" where a blob is missing or of another size
 */
export function* pack(cas: Cas, entries: Iterable<LayerEntry>, packing: Packing): Generator<Buffer> {
  const { mtime, pieceSize, pieces, onBytes } = packing;
  const ring = new Ring(pieceSize, pieces);
  for (const entry of entries) {
    ring.put(headerOf(entry, mtime));
    if (entry.kind === "file" && entry.digest.size > 0) {
      const { digest } = entry;
      const file = open(cas, digest);
      try {
        for (let rest = digest.size; rest > 0; ) {
          const count = ring.read(file, rest);
          if (count === 0)
            throw damaged(cas, digest) ?? new BstError("cas", "A file of the cache changes while it is read");
          rest -= count;
          onBytes?.(count);
          yield* ring.full();
        }
      } finally {
        fs.closeSync(file);
      }
      ring.put(TAR_END.subarray(0, tarPadding(digest.size)));
    }
    yield* ring.full();
  }
  ring.put(TAR_END);
  yield* ring.full();
  yield* ring.rest();
}

/** Pieces that are filled one after the other. */
class Ring {
  readonly #pieceSize: number;
  readonly #count: number;
  /** Made when first needed: most layers fit in few. */
  readonly #buffers: Buffer[] = [];
  #turn = 0;
  #piece: Buffer;
  #used = 0;
  #full: Buffer[] = [];

  constructor(pieceSize: number, count: number) {
    this.#pieceSize = pieceSize;
    this.#count = count;
    this.#piece = this.#take();
  }

  put(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      const count = bytes.copy(this.#piece, this.#used, start);
      start += count;
      this.#advance(count);
    }
  }

  /** Reads up to so many bytes into the present piece. @returns how many */
  read(file: number, most: number): number {
    const count = fs.readSync(file, this.#piece, this.#used, Math.min(most, this.#pieceSize - this.#used), null);
    this.#advance(count);
    return count;
  }

  /** Those that were filled since the last call; an array to iterate over, as there mostly are none. */
  full(): readonly Buffer[] {
    if (this.#full.length === 0) return NONE;
    const full = this.#full;
    this.#full = [];
    return full;
  }

  rest(): readonly Buffer[] {
    return this.#used === 0 ? NONE : [this.#piece.subarray(0, this.#used)];
  }

  #advance(count: number): void {
    this.#used += count;
    if (this.#used < this.#pieceSize) return;
    this.#full.push(this.#piece);
    this.#turn = (this.#turn + 1) % this.#count;
    this.#piece = this.#take();
    this.#used = 0;
  }

  #take(): Buffer {
    this.#buffers[this.#turn] ??= sharedBuffer(this.#pieceSize);
    return this.#buffers[this.#turn] as Buffer;
  }
}

const NONE: readonly Buffer[] = [];

function headerOf(entry: LayerEntry, mtime: number): Buffer {
  const { path, kind: type, attributes } = entry;
  switch (type) {
    case "file":
      return tarHeader({ path, type, size: entry.digest.size, mtime, ...attributes });
    case "symlink":
      return tarHeader({ path, type, size: 0, mtime, target: entry.target, ...attributes });
    case "directory":
      return tarHeader({ path, type, size: 0, mtime, ...attributes });
  }
}

function open(cas: Cas, digest: Digest): number {
  try {
    return fs.openSync(cas.objectPath(digest), "r");
  } catch (error) {
    throw damaged(cas, digest) ?? error;
  }
}

/** The store's own error for a blob that is missing or has another size than its digest says. */
function damaged(cas: Cas, digest: Digest): unknown {
  try {
    cas.read(digest);
  } catch (error) {
    return error;
  }
  return undefined;
}
