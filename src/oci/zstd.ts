/** Compresses a stream by zstd on several processors, into bytes that do not depend on how many there are. */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Thread } from "../base/threads.ts";

/** What a piece becomes is a frame of its own; readers take frames one after the other for one stream. */
export const ZSTD_PIECE: number = 4 << 20;
const THREADS = availableParallelism();
/** How many pieces {@link zstd} holds on to: a source may reuse a piece's memory only this many pieces later. */
export const ZSTD_HELD: number = THREADS + 3;

const resolve = createRequire(__filename).resolve;

interface Modules {
  readonly native: string | undefined;
  readonly wasm: string;
}

interface Request {
  readonly piece: Uint8Array;
  readonly level: number;
}

/**
 * Both are version 1.5.7 of the same library, and give the same bytes: one is compiled when it is installed, and missing
 * where there is no compiler; the other runs anywhere, at less than half the speed.
 */
function modules(): Modules {
  const wasm = resolve("@bokuweb/zstd-wasm");
  try {
    return { native: resolve("zstd-napi"), wasm };
  } catch {
    return { native: undefined, wasm };
  }
}

/** On a thread. */
function compressor(load: (module: string) => unknown, { native, wasm }: Modules) {
  type Native = { compress(data: Uint8Array, options: { compressionLevel: number }): Uint8Array };
  type Wasm = { init(): Promise<void>; compress(data: Uint8Array, level: number): Uint8Array };
  let compress: ((data: Uint8Array, level: number) => Uint8Array) | undefined;
  const choose = async () => {
    try {
      if (native !== undefined) {
        const library = load(native) as Native;
        return (data: Uint8Array, level: number) => library.compress(data, { compressionLevel: level });
      }
    } catch {
      // It was not compiled for this machine.
    }
    const library = load(wasm) as Wasm;
    await library.init();
    return library.compress;
  };
  return async ({ piece, level }: Request): Promise<Uint8Array> => {
    compress ??= await choose();
    return compress(piece, level);
  };
}

/**
 * @param pieces each in a memory of its own, or shared; where they are divided changes the result
 * @param from which library to use, for tests
 */
export async function* zstd(
  pieces: AsyncIterable<Uint8Array>,
  level: number,
  from: Modules = modules(),
): AsyncGenerator<Uint8Array> {
  const threads: Thread<Modules, Request, Uint8Array>[] = [];
  const running: Promise<Uint8Array>[] = [];
  let count = 0;
  try {
    for await (const piece of pieces) {
      if (running.length >= THREADS + 1) {
        const first = running.shift();
        if (first !== undefined) yield await first;
      }
      const turn = count++ % THREADS;
      threads[turn] ??= new Thread(compressor, from);
      running.push(threads[turn].call({ piece, level }));
    }
    for (const compressed of running) yield await compressed;
  } finally {
    for (const thread of threads) await thread[Symbol.asyncDispose]();
  }
}
