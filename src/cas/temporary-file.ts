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

/** Must be disposed of, whether it was placed or not. All failures to write are BstError in domain "cas". */
export class TemporaryFile implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;
  #moved = false;

  constructor(directory: string) {
    this.#path = `${directory}/${PREFIX}${randomBytes(12).toString("hex")}`;
    this.#descriptor = storing(() => {
      if (!swept.has(directory)) prepare(directory);
      return fs.openSync(this.#path, "wx", 0o600);
    });
  }

  /** For another thread to write to. */
  get descriptor(): number {
    return this.#descriptor;
  }

  write(bytes: Uint8Array): void {
    storing(() => {
      for (let written = 0; written < bytes.length; ) written += fs.writeSync(this.#descriptor, bytes, written);
    });
  }

  /** Gives it its path, unless another process was faster: for whoever links to that file, it must not be replaced. */
  place(target: string, { mode, mtime }: Placement): void {
    storing(() => {
      fs.fchmodSync(this.#descriptor, mode);
      if (mtime !== undefined) fs.futimesSync(this.#descriptor, mtime, mtime);
      if (this.#link(target)) return;
      fs.mkdirSync(path.dirname(target), { recursive: true });
      if (this.#link(target)) return;
      // Over a damaged file, or where there are no hard links.
      fs.renameSync(this.#path, target);
      this.#moved = true;
    });
  }

  /** Gives it its path, in the place of what is there. */
  replace(target: string, mode: number): void {
    storing(() => {
      fs.fchmodSync(this.#descriptor, mode);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.renameSync(this.#path, target);
      this.#moved = true;
    });
  }

  #link(target: string): boolean {
    try {
      fs.linkSync(this.#path, target);
      return true;
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") return false;
      return fs.statSync(target).size === fs.fstatSync(this.#descriptor).size;
    }
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#descriptor);
    if (!this.#moved) fs.unlinkSync(this.#path);
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

/** Failures of the system become BstError in domain "cas". */
export function storing<T>(action: () => T): T {
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
