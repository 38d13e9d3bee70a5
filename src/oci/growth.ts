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

/**
 * Who made an image: elements of kind `oci`, of files in the cache and of images that were looked at; scripts, which may have
 * put anything together; or others. The later ones are believed less.
 */
export const MAKERS = ["elements", "scripts", "others"] as const;
export type Maker = (typeof MAKERS)[number];

/** None for what elements make, which is no larger than its files in the cache; undefined for the usual ones. */
export function growthOf(maker: Maker | undefined): GrowthLimits | undefined {
  return maker === "elements" ? { bytes: Number.POSITIVE_INFINITY, ratio: 1 } : undefined;
}

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
