/** The last lines of a file, read from its end. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const CHUNK = 64 * 1024;

/** At most `count` lines, without the last one's line end; nothing where the file cannot be read. */
export function readLastLines(path: string, count: number): string[] {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return []; // A missing log must not hide the failure that it is shown for.
  }
  try {
    let position = fstatSync(fd).size;
    let text = Buffer.alloc(0);
    while (position > 0 && newlines(text) <= count) {
      const length = Math.min(CHUNK, position);
      position -= length;
      const chunk = Buffer.allocUnsafe(length);
      const read = readSync(fd, chunk, 0, length, position);
      text = Buffer.concat([chunk.subarray(0, read), text]);
    }
    return text.toString("utf8").trimEnd().split("\n").slice(-count);
  } finally {
    closeSync(fd);
  }
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}
