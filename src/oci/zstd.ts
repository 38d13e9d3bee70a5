/** Compresses a stream by zstd on several processors, into bytes that do not depend on how many there are. */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { sharedBuffer, Thread } from "../base/threads.ts";

/** What a piece becomes is a frame of its own; readers take frames one after the other for one stream. */
export const ZSTD_PIECE: number = 2 << 20;
const THREADS = availableParallelism();
/** Pieces that are compressed or wait for it: enough for no thread to wait for the source. */
const IN_FLIGHT = 2 * THREADS + 1;
/** How many pieces {@link zstd} holds on to: a source may reuse a piece's memory only this many pieces later. */
export const ZSTD_HELD: number = IN_FLIGHT + 2;

const resolve = createRequire(__filename).resolve;

interface Modules {
  readonly native: string | undefined;
  readonly wasm: string;
}

interface Request {
  readonly piece: Uint8Array;
  readonly level: number;
  /** Shared memory for the result. */
  readonly into: Uint8Array;
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
  let compress: ((request: Request) => number) | undefined;
  const choose = async () => {
    try {
      if (native !== undefined) {
        const context = new (load(native) as Native).CCtx();
        return ({ into, piece, level }: Request) => context.compress(into, piece, level);
      }
    } catch {
      // It was not compiled for this machine.
    }
    const library = load(wasm) as Wasm;
    await library.init();
    return ({ into, piece, level }: Request) => {
      const compressed = library.compress(piece, level);
      into.set(compressed);
      return compressed.length;
    };
  };
  return async (request: Request): Promise<number> => {
    compress ??= await choose();
    return compress(request);
  };
}

/**
 * @param pieces in shared memory, as else all of it is copied; where they are divided changes the result
 * @param from which library to use, for tests
 * @returns frames, each of which holds until the next is asked for
 */
export async function* zstd(
  pieces: AsyncIterable<Uint8Array>,
  level: number,
  from: Modules = modules(),
): AsyncGenerator<Uint8Array> {
  const threads: Thread<Modules, Request, number>[] = [];
  const running: Promise<Uint8Array>[] = [];
  const results: Buffer[] = [];
  let count = 0;
  try {
    for await (const piece of pieces) {
      if (running.length >= IN_FLIGHT) yield await (running.shift() as Promise<Uint8Array>);
      const place = count % (IN_FLIGHT + 1);
      const turn = count++ % THREADS;
      let into = results[place];
      if (into === undefined || into.length < mostOf(piece)) into = results[place] = sharedBuffer(mostOf(piece));
      threads[turn] ??= new Thread(compressor, from);
      running.push(resultOf(threads[turn], { piece, level, into }));
    }
    for (const compressed of running) yield await compressed;
  } finally {
    for (const thread of threads) await thread[Symbol.asyncDispose]();
  }
}

function resultOf(thread: Thread<Modules, Request, number>, request: Request): Promise<Uint8Array> {
  const result = thread.call(request).then((length) => request.into.subarray(0, length));
  // A failure shows where the result is awaited, which may be after others.
  result.catch(() => {});
  return result;
}

/** The most bytes that the frame of a piece can take. */
function mostOf(piece: Uint8Array): number {
  return piece.length + (piece.length >> 8) + 256;
}
