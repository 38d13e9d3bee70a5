/** Compresses a stream by zstd, one frame for each piece. */
import { createRequire } from "node:module";
import { compressPieces, type PieceRequest } from "./compress-pieces.ts";

/** What a piece becomes is a frame of its own; readers take frames one after the other for one stream. */
export const ZSTD_PIECE: number = 2 << 20;

const resolve = createRequire(__filename).resolve;

interface Modules {
  readonly native: string | undefined;
  readonly wasm: string;
}

/**
 * Both are version 1.5.7 of the same library, and give the same bytes: one is compiled when it is installed, and missing
 * where there is no compiler; the other runs anywhere, at less than half the speed.
 */
function modules(): Modules {
  const wasm = resolve("@bokuweb/zstd-wasm");
  try {
    return { native: resolve("zstd-napi/binding"), wasm };
  } catch {
    return { native: undefined, wasm };
  }
}

/** On a thread: what it is called for gives how many bytes it wrote. */
function compressor(load: (module: string) => unknown, { native, wasm }: Modules) {
  type Native = { CCtx: new () => { compress(into: Uint8Array, piece: Uint8Array, level: number): number } };
  type Wasm = { init(): Promise<void>; compress(piece: Uint8Array, level: number): Uint8Array };
  let compress: ((request: PieceRequest) => number) | undefined;
  const choose = async () => {
    try {
      if (native !== undefined) {
        const context = new (load(native) as Native).CCtx();
        return ({ into, piece, level }: PieceRequest) => context.compress(into, piece, level);
      }
    } catch {
      // It was not compiled for this machine.
    }
    const library = load(wasm) as Wasm;
    await library.init();
    return ({ into, piece, level }: PieceRequest) => {
      const compressed = library.compress(piece, level);
      into.set(compressed);
      return compressed.length;
    };
  };
  return async (request: PieceRequest): Promise<number> => {
    compress ??= await choose();
    return compress(request);
  };
}

/**
 * @param pieces in shared memory, as else all of it is copied; where they are divided changes the result
 * @param from which library to use, for tests
 * @returns frames, each of which holds until the next is asked for
 */
export function zstd(
  pieces: AsyncIterable<Uint8Array>,
  level: number,
  from: Modules = modules(),
): AsyncIterable<Uint8Array> {
  return compressPieces(pieces, { work: compressor, data: from, level, most: mostOf, startsAnywhere: false });
}

/** The most bytes that a frame can take. */
function mostOf(size: number): number {
  return size + (size >> 8) + 256;
}
