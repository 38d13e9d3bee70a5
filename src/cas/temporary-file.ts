/** Files of the store in the making: they appear under their final path whole, or not at all. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";

const PREFIX = "bst-ts.";
/** What a killed process left is removed by another after this time, in milliseconds. */
const ABANDONED_AFTER = 24 * 3600 * 1000;

const swept = new Set<string>();

export interface Placement {
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

/** Removed when disposed of, unless it was placed. All failures to write are BstError in domain "cas". */
export class TemporaryFile implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;
  #placed = false;

  constructor(directory: string) {
    this.#path = `${directory}/${PREFIX}${randomBytes(12).toString("hex")}`;
    this.#descriptor = storing(() => {
      if (!swept.has(directory)) prepare(directory);
      return fs.openSync(this.#path, "wx", 0o600);
    });
  }

  write(bytes: Uint8Array): void {
    storing(() => {
      for (let written = 0; written < bytes.length; ) written += fs.writeSync(this.#descriptor, bytes, written);
    });
  }

  /** Moves it to its path, in the place of what may be there, in one step. */
  place(target: string, { mode, mtime }: Placement): void {
    storing(() => {
      fs.fchmodSync(this.#descriptor, mode);
      if (mtime !== undefined) fs.futimesSync(this.#descriptor, mtime, mtime);
      try {
        fs.renameSync(this.#path, target);
      } catch (error) {
        if (systemErrorCode(error) !== "ENOENT") throw error;
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.renameSync(this.#path, target);
      }
    });
    this.#placed = true;
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#descriptor);
    if (!this.#placed) fs.rmSync(this.#path, { force: true });
  }
}

/** Once a process for each directory. Files of others, buildbox-casd among them, are left alone. */
function prepare(directory: string): void {
  fs.mkdirSync(directory, { recursive: true });
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith(PREFIX)) continue;
    const file = `${directory}/${name}`;
    const written = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (written < Date.now() - ABANDONED_AFTER) fs.rmSync(file, { force: true });
  }
  swept.add(directory);
}

function storing<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new BstError("cas", "No space left for the local cache", { reason: "cache-too-full", cause: error });
    }
    if (code === undefined) throw error;
    const message = error instanceof Error ? error.message : code;
    throw new BstError("cas", `Can't write to the local cache: ${message}`, { cause: error });
  }
}
