/** Reads files through one reused buffer: several times faster for many small files than a buffer for each. */
import fs from "node:fs";

export const PIECE_SIZE = 1 << 20;

let free: Buffer | undefined;

/**
 * Opens a file for `use`, whose `next` gives pieces of PIECE_SIZE bytes, then a shorter one, which may be empty. A piece is
 * valid until the next is asked for and not after `use`.
 */
export function withPieces<T>(path: string, use: (next: () => Buffer) => T): T {
  const buffer = free ?? Buffer.allocUnsafeSlow(PIECE_SIZE);
  free = undefined;
  const descriptor = fs.openSync(path, "r");
  try {
    return use(() => {
      let length = 0;
      while (length < PIECE_SIZE) {
        const count = fs.readSync(descriptor, buffer, length, PIECE_SIZE - length, null);
        if (count === 0) break;
        length += count;
      }
      return buffer.subarray(0, length);
    });
  } finally {
    fs.closeSync(descriptor);
    free = buffer;
  }
}
