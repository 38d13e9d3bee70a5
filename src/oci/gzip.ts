/** Compresses a stream on several processors into one gzip member, whose bytes do not depend on how many there are. */

import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";

const deflate = promisify<Buffer, Parameters<typeof deflateRaw>[1], Buffer>(deflateRaw);

/** Bytes of a piece. */
export const GZIP_PIECE: number = 1 << 20;
/** How far deflate looks back: each piece is compressed knowing the end of the one before it. */
const WINDOW = 1 << 15;
/** No name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block: pieces end with a marker and not with the stream's end, as nobody knows which is the last. */
const END = Buffer.from([0x03, 0x00]);

/** How many pieces {@link gzip} holds on to: a source may reuse a piece's memory only this many pieces later. */
export const GZIP_HELD: number = availableParallelism() + 2;

/**
 * @param pieces where they are divided changes the result
 */
export async function* gzip(pieces: AsyncIterable<Buffer>, level: number): AsyncGenerator<Buffer> {
  yield HEADER;
  const running: Promise<Buffer>[] = [];
  let checksum = 0;
  let size = 0;
  let before: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (running.length >= GZIP_HELD - 2) {
      const first = running.shift();
      if (first !== undefined) yield await first;
    }
    running.push(compress(piece, before, level));
    checksum = crc32(piece, checksum);
    size += piece.length;
    before = Buffer.from(piece.subarray(-WINDOW));
  }
  for (const compressed of running) yield await compressed;
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum >>> 0, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield END;
  yield trailer;
}

function compress(piece: Buffer, dictionary: Buffer, level: number): Promise<Buffer> {
  const compressed = deflate(piece, {
    level,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary.length === 0 ? {} : { dictionary }),
  });
  // A failure shows where the result is awaited, which may be after others.
  compressed.catch(() => {});
  return compressed;
}
