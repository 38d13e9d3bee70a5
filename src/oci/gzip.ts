/** Compresses a stream into one gzip member (RFC 1952). */
import { crc32 } from "node:zlib";
import { compressPieces } from "./compress-pieces.ts";
import { deflater, mostDeflated } from "./deflate.ts";

/** Bytes of a piece, each of which is compressed knowing the end of the one before it. */
export const GZIP_PIECE: number = 1 << 20;
/** No name, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block: pieces do not end with the stream's end, as nobody knows which is the last. */
const END = Buffer.from([0x03, 0x00]);

/**
 * @param pieces in shared memory, as else all of it is copied; where they are divided changes the result
 * @returns pieces, each of which holds until the next is asked for
 */
export async function* gzip(pieces: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Uint8Array> {
  let checksum = 0;
  let size = 0;
  async function* counted() {
    for await (const piece of pieces) {
      checksum = crc32(piece, checksum);
      size += piece.length;
      yield piece;
    }
  }
  yield HEADER;
  yield* compressPieces(counted(), {
    work: deflater,
    data: undefined,
    level,
    most: mostDeflated,
    startsAnywhere: true,
  });
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum >>> 0, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield END;
  yield trailer;
}
