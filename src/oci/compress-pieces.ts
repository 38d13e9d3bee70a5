/** Compresses a stream piece by piece on several processors, into bytes that do not depend on how many there are. */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { sharedBuffer, Thread, type Work } from "../base/threads.ts";

/** How far {@link PieceRequest.before} reaches back at most, in bytes. */
const WINDOW = 1 << 15;
const THREADS = availableParallelism();
/** Pieces that are compressed or wait for it: enough for no thread to wait for the source. */
const IN_FLIGHT = 2 * THREADS + 1;
/** How many pieces are held on to: a source may reuse a piece's memory only this many pieces later. */
export const PIECES_HELD: number = IN_FLIGHT + 3;

export interface PieceRequest {
  /** The end of the piece before it. */
  readonly before: Uint8Array;
  readonly piece: Uint8Array;
  readonly level: number;
  /** Memory for the result. */
  readonly into: Uint8Array;
}

export interface PieceCompression<Data> {
  /** Called for a piece, it gives how many bytes that became. */
  readonly work: Work<Data, PieceRequest, number>;
  readonly data: Data;
  readonly level: number;
  /** The most bytes that a piece of this size can become. */
  most(size: number): number;
  /**
   * Whether an only piece is compressed on the caller's thread, which takes less time than a thread to start: for work that
   * can be begun any number of times on one, which libraries that keep their state can't.
   */
  readonly startsAnywhere: boolean;
}

/**
 * @param pieces in shared memory, as else all of it is copied; where they are divided changes the result
 * @returns what they become, in their order; each holds until the next is asked for
 */
export async function* compressPieces<Data>(
  pieces: AsyncIterable<Uint8Array>,
  { work, data, level, most, startsAnywhere }: PieceCompression<Data>,
): AsyncGenerator<Uint8Array> {
  const threads: Thread<Data, PieceRequest, number>[] = [];
  const running: Promise<Uint8Array>[] = [];
  const results: Buffer[] = [];
  let count = 0;
  let before: Uint8Array = new Uint8Array();
  const requestOf = (piece: Uint8Array): PieceRequest => {
    const place = count++ % (IN_FLIGHT + 1);
    let into = results[place];
    if (into === undefined || into.length < most(piece.length))
      into = results[place] = sharedBuffer(most(piece.length));
    const request = { before, piece, level, into };
    before = piece.subarray(-WINDOW);
    return request;
  };
  const start = (piece: Uint8Array) => {
    const turn = count % THREADS;
    const request = requestOf(piece);
    threads[turn] ??= new Thread(work, data);
    running.push(resultOf(request, threads[turn].call(request)));
  };
  let first: Uint8Array | undefined;
  try {
    for await (const piece of pieces) {
      if (first === undefined && startsAnywhere) {
        first = piece;
        continue;
      }
      if (count === 0 && first !== undefined) start(first);
      if (running.length >= IN_FLIGHT) yield await (running.shift() as Promise<Uint8Array>);
      start(piece);
    }
    if (count === 0 && first !== undefined) {
      const request = requestOf(first);
      yield await resultOf(request, work(createRequire(__filename), data)(request));
    }
    for (const compressed of running) yield await compressed;
  } finally {
    for (const thread of threads) await thread[Symbol.asyncDispose]();
  }
}

function resultOf({ into }: PieceRequest, length: number | Promise<number>): Promise<Uint8Array> {
  const result = Promise.resolve(length).then((bytes) => into.subarray(0, bytes));
  // A failure shows where the result is awaited, which may be after others.
  result.catch(() => {});
  return result;
}
