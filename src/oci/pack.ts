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
}

/**
 * The archive in pieces of shared memory, of equal size but for the last.
 * @throws BstError in domain "cas" where a blob is missing or of another size
 */
export function* pack(cas: Cas, entries: Iterable<LayerEntry>, packing: Packing): Generator<Buffer> {
  const { mtime, pieceSize, pieces } = packing;
  /** Made when first needed: most layers fit in few. */
  const buffers: Buffer[] = [];
  let turn = 0;
  let used = 0;
  const take = () => {
    buffers[turn] ??= sharedBuffer(pieceSize);
    return buffers[turn] as Buffer;
  };
  let piece = take();
  const full = () => {
    const done = piece.subarray(0, used);
    turn = (turn + 1) % pieces;
    piece = take();
    used = 0;
    return done;
  };
  function* put(bytes: Buffer): Generator<Buffer> {
    for (let start = 0; start < bytes.length; ) {
      const count = bytes.copy(piece, used, start);
      start += count;
      used += count;
      if (used === pieceSize) yield full();
    }
  }

  for (const entry of entries) {
    yield* put(headerOf(entry, mtime));
    if (entry.kind !== "file" || entry.digest.size === 0) continue;
    const file = open(cas, entry.digest);
    try {
      for (let rest = entry.digest.size; rest > 0; ) {
        const count = fs.readSync(file, piece, used, Math.min(rest, pieceSize - used), null);
        if (count === 0)
          throw damaged(cas, entry.digest) ?? new BstError("cas", "A file of the cache changes while it is read");
        rest -= count;
        used += count;
        if (used === pieceSize) yield full();
      }
    } finally {
      fs.closeSync(file);
    }
    yield* put(TAR_END.subarray(0, tarPadding(entry.digest.size)));
  }
  yield* put(TAR_END);
  if (used > 0) yield full();
}

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
