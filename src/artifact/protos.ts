/** Small files of the cache that are replaced whole: readers in any process see the old or the new one. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { TemporaryFile } from "../cas/temporary-file.ts";

/** Everybody may read them, and whoever shares the cache may replace them, as the umask allows. */
const MODE = 0o666 & ~process.umask();

/** Undefined if the file does not exist. */
export function readProto(path: string): Buffer | undefined {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Throws BstError in domain "cas" if it can't be written. */
export function writeProto(temporaryDirectory: string, path: string, bytes: Uint8Array): void {
  using file = new TemporaryFile(temporaryDirectory);
  file.write(bytes);
  file.replace(path, MODE);
}

/** What `decode` makes of the bytes, or undefined where they are damaged: the same as if they were not there. */
export function decodeOrNothing<T>(bytes: Uint8Array | undefined, decode: (bytes: Uint8Array) => T): T | undefined {
  if (bytes === undefined) return undefined;
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof BstError) return undefined;
    throw error;
  }
}
