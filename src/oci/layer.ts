/** Image layers: tar archives, compressed or not, whose bytes follow from what they tell. */
import { createHash } from "node:crypto";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { PIECES_ON_THREAD, storeOnThread } from "../cas/threaded-blob.ts";
import { PIECES_HELD } from "./compress-pieces.ts";
import { type Compression, compressorOf } from "./compression.ts";
import type { LayerEntry } from "./layer-entries.ts";
import { LAYER } from "./media-types.ts";
import { type Packing, pack } from "./pack.ts";

export interface Layer {
  readonly mediaType: string;
  readonly digest: Digest;
  /** `sha256:…` of the uncompressed archive. */
  readonly diffId: string;
}

export interface LayerFormat {
  readonly compression: Compression;
  /** Seconds since 1970: the time of everything in the layer. */
  readonly mtime: number;
}

const PLAIN_PIECE = 4 << 20;
/** Up to so many pieces are stored without another thread, which takes longer to start. */
const FEW_PIECES = 2;

/** Stores the layer with these entries; undefined where there are none. @param onBytes as pack has it */
export async function writeLayer(
  cas: Cas,
  entries: Iterable<LayerEntry>,
  { compression, mtime }: LayerFormat,
  signal: AbortSignal,
  onBytes?: Packing["onBytes"],
): Promise<Layer | undefined> {
  const iterator = entries[Symbol.iterator]();
  const first = iterator.next();
  if (first.done === true) return undefined;
  const all = chain([first.value], { [Symbol.iterator]: () => iterator });
  const compressor = compressorOf(compression);
  if (compressor === undefined) {
    const digest = await storePlain(cas, all, { mtime, onBytes }, signal);
    return { mediaType: LAYER, digest, diffId: `sha256:${digest.hash}` };
  }
  const { mediaType, pieceSize } = compressor;
  const hash = createHash("sha256");
  const pieces = passing(pack(cas, all, { mtime, pieceSize, pieces: PIECES_HELD, onBytes }), signal, (piece) =>
    hash.update(piece),
  );
  const digest = await cas.importStream(compressor.compress(pieces), { signal });
  return { mediaType, digest, diffId: `sha256:${hash.digest("hex")}` };
}

async function storePlain(
  cas: Cas,
  entries: Iterable<LayerEntry>,
  told: Pick<Packing, "mtime" | "onBytes">,
  signal: AbortSignal,
): Promise<Digest> {
  const packing = { ...told, pieceSize: PLAIN_PIECE, pieces: FEW_PIECES + PIECES_ON_THREAD };
  const pieces = pack(cas, entries, packing);
  const start: Buffer[] = [];
  while (start.length < FEW_PIECES) {
    const next = pieces.next();
    if (next.done === true) return cas.importStream(passing(start, signal), { signal });
    start.push(next.value);
  }
  return storeOnThread(cas, chain(start, pieces), signal);
}

function* chain<T>(start: Iterable<T>, rest: Iterable<T>): Generator<T> {
  yield* start;
  yield* rest;
}

async function* passing<T>(items: Iterable<T>, signal: AbortSignal, onItem?: (item: T) => void): AsyncGenerator<T> {
  for (const item of items) {
    signal.throwIfAborted();
    onItem?.(item);
    yield item;
  }
}
