/** How large what somebody else compressed may become: bombs are noticed before they fill memory, disks or hours. */
import { DecompressError } from "../base/decompress.ts";

export interface GrowthLimits {
  /** Bytes that anything may have when decompressed. */
  readonly bytes: number;
  /** How many times more than compressed anything larger may have. */
  readonly ratio: number;
}

/** No layer of a known image comes near these. */
const LIMITS: GrowthLimits = { bytes: 2 ** 31, ratio: 200 };

/** @param size of what is compressed, in bytes */
export function mostBytes(size: number, { bytes, ratio }: GrowthLimits = LIMITS): number {
  return Math.max(bytes, size * ratio);
}

/** The same pieces. Throws {@link DecompressError} where there are more bytes than `most`. */
export async function* limited(pieces: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > most) throw new DecompressError(`it has more than ${most} bytes when decompressed`);
    yield piece;
  }
}
