/** How the layers of an image are compressed. */
import { GZIP_PIECE, gzip } from "./gzip.ts";
import { LAYER_GZIP, LAYER_ZSTD } from "./media-types.ts";
import { ZSTD_PIECE, zstd } from "./zstd.ts";

export type CompressionKind = "none" | "gzip" | "zstd";

export interface Compression {
  readonly kind: CompressionKind;
  /** As the programs of this name count; 0 for none. */
  readonly level: number;
}

export const NO_COMPRESSION: Compression = { kind: "none", level: 0 };

/** What levels there are, and which is taken where none is named; the same as the programs take. */
export const LEVELS = {
  gzip: { usual: 6, highest: 9 },
  zstd: { usual: 3, highest: 22 },
} as const;

export interface Compressor {
  readonly mediaType: string;
  /** Bytes: the result depends on it. */
  readonly pieceSize: number;
  compress(pieces: AsyncIterable<Buffer>): AsyncIterable<Uint8Array>;
}

/** Undefined for none. */
export function compressorOf({ kind, level }: Compression): Compressor | undefined {
  switch (kind) {
    case "none":
      return undefined;
    case "gzip":
      return { mediaType: LAYER_GZIP, pieceSize: GZIP_PIECE, compress: (all) => gzip(all, level) };
    case "zstd":
      return { mediaType: LAYER_ZSTD, pieceSize: ZSTD_PIECE, compress: (all) => zstd(all, level) };
  }
}
