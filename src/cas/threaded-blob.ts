/** Stores a large blob on another thread, which hashes and writes while this one reads what comes next. */
import { Thread } from "../base/threads.ts";
import type { Digest } from "./digest.ts";
import type { Cas } from "./store.ts";
import { storing, TemporaryFile } from "./temporary-file.ts";

/** A piece, or undefined for the end. */
type Request = Uint8Array | undefined;

/** How many pieces {@link storeOnThread} holds on to: a source may reuse a piece's memory only so many pieces later. */
export const PIECES_ON_THREAD = 4;

/**
 * @param pieces in shared memory, as else all of it is copied
 * @throws BstError in domain "cas" if it can't be stored; the signal's reason when it is aborted
 */
export async function storeOnThread(
  cas: Cas,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Digest> {
  using file = new TemporaryFile(cas.temporaryDirectory);
  await using thread = new Thread<number, Request, string>(sink, file.descriptor);
  const running: Promise<string>[] = [];
  let size = 0;
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted();
      size += piece.length;
      running.push(thread.call(piece));
      if (running.length >= PIECES_ON_THREAD - 1) await running.shift();
    }
    for (const written of running) await written;
    return cas.keep(file, { hash: await thread.call(undefined), size });
  } catch (error) {
    // As if this thread had written.
    return storing(() => {
      throw error;
    });
  }
}

/** On the thread: writes to an open file, and gives the hash at the end. */
function sink(load: (module: string) => unknown, descriptor: number) {
  const { createHash } = load("node:crypto") as typeof import("node:crypto");
  const { writeSync } = load("node:fs") as typeof import("node:fs");
  const hash = createHash("sha256");
  return (piece: Request): string => {
    if (piece === undefined) return hash.digest("hex");
    hash.update(piece);
    for (let written = 0; written < piece.length; ) written += writeSync(descriptor, piece, written);
    return "";
  };
}
