/** Remembers between runs what was computed from content-addressed input; losing it costs nothing but time. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readCacheFile, writeCacheFile } from "../base/cache-file.ts";

export class Memo {
  readonly #directory: string;

  /** @param directory made when something is remembered */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get(key: string): string | undefined {
    return readCacheFile(this.#path(key))?.toString();
  }

  set(key: string, value: string): void {
    writeCacheFile(this.#path(key), [value]);
  }

  #path(key: string): string {
    return join(this.#directory, createHash("sha256").update(key).digest("hex"));
  }
}
