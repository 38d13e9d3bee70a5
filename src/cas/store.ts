/** The content-addressed store: blobs in files named by their SHA-256, laid out as buildbox-casd does. */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { type Digest, digestOf, formatDigest, sameDigest } from "./digest.ts";
import { type Directory, decodeDirectory, encodeDirectory } from "./directory.ts";

/** Objects are written once; also buildbox-casd makes them so. */
const OBJECT_MODE = 0o444;
const COPY_BUFFER_SIZE = 1 << 20;
const DIRECTORY_CACHE_SIZE = 1 << 16;

export class Cas {
  readonly root: string;
  readonly #objects: string;
  readonly #temporary: string;
  readonly #directories = new Map<string, Directory>();
  readonly #completeTrees = new Set<string>();
  #buffer: Buffer | undefined;

  /** @param root `<cachedir>/cas`; made when something is written to it */
  constructor(root: string) {
    this.root = path.resolve(root);
    this.#objects = `${this.root}/objects/`;
    this.#temporary = `${this.root}/tmp/`;
  }

  objectPath(digest: Digest): string {
    return `${this.#objects}${digest.hash.slice(0, 2)}/${digest.hash.slice(2)}`;
  }

  has(digest: Digest): boolean {
    return fs.statSync(this.objectPath(digest), { throwIfNoEntry: false })?.size === digest.size;
  }

  /** Throws BstError in domain "cas" if the blob is missing or of another size. */
  read(digest: Digest): Buffer {
    let bytes: Buffer;
    try {
      bytes = fs.readFileSync(this.objectPath(digest));
    } catch (error) {
      throw this.#readError(digest, error);
    }
    if (bytes.length !== digest.size) throw damaged(digest);
    return bytes;
  }

  write(bytes: Uint8Array | string): Digest {
    const digest = digestOf(bytes);
    if (!this.has(digest)) {
      using file = new TemporaryObject(this.#temporary);
      file.write(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
      file.store(this.objectPath(digest));
    }
    return digest;
  }

  /** Copies a file's content into the store. Throws the system's error if it can't be read. */
  importFile(source: string): Digest {
    const descriptor = fs.openSync(source, fs.constants.O_RDONLY);
    try {
      this.#buffer ??= Buffer.allocUnsafeSlow(COPY_BUFFER_SIZE);
      const buffer = this.#buffer;
      let count = readFully(descriptor, buffer);
      if (count < buffer.length) return this.write(buffer.subarray(0, count));
      using file = new TemporaryObject(this.#temporary);
      while (count > 0) {
        file.write(buffer.subarray(0, count));
        count = readFully(descriptor, buffer);
      }
      return this.#keep(file);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /**
   * Stores what a stream gives. Throws BstError in domain "cas" if that is not `expected`, and the signal's reason if
   * aborted; nothing is stored then.
   */
  async importStream(
    source: AsyncIterable<Uint8Array>,
    options: { readonly expected?: Digest; readonly signal?: AbortSignal } = {},
  ): Promise<Digest> {
    const { expected, signal } = options;
    using file = new TemporaryObject(this.#temporary);
    for await (const chunk of source) {
      signal?.throwIfAborted();
      file.write(chunk);
    }
    signal?.throwIfAborted();
    const digest = file.digest();
    if (expected !== undefined && !sameDigest(expected, digest)) {
      throw new BstError("cas", `Received blob ${formatDigest(digest)} where ${formatDigest(expected)} was expected`);
    }
    return this.#keep(file);
  }

  /** Throws BstError in domain "cas" if the blob is missing. */
  createReadStream(digest: Digest): Readable {
    let descriptor: number;
    try {
      descriptor = fs.openSync(this.objectPath(digest), "r");
    } catch (error) {
      throw this.#readError(digest, error);
    }
    return fs.createReadStream("", { fd: descriptor, highWaterMark: 1 << 18 });
  }

  /** Throws BstError in domain "cas" if the blob is missing or no valid Directory message. */
  readDirectory(digest: Digest): Directory {
    let directory = this.#directories.get(digest.hash);
    if (directory === undefined) {
      directory = digest.size === 0 ? { files: [], directories: [], symlinks: [] } : decodeDirectory(this.read(digest));
      this.#remember(digest, directory);
    }
    return directory;
  }

  writeDirectory(directory: Directory): Digest {
    return this.write(encodeDirectory(directory));
  }

  /** Whether all directories and files of a tree are there. A yes is remembered while the process lives. */
  hasTree(root: Digest): boolean {
    if (this.#completeTrees.has(root.hash)) return true;
    if (!this.has(root)) return false;
    const directory = this.readDirectory(root);
    const complete =
      directory.files.every((node) => this.has(node.digest)) &&
      directory.directories.every((node) => this.hasTree(node.digest));
    if (complete) this.#completeTrees.add(root.hash);
    return complete;
  }

  #keep(file: TemporaryObject): Digest {
    const digest = file.digest();
    if (!this.has(digest)) file.store(this.objectPath(digest));
    return digest;
  }

  /** Forgets the oldest when full. */
  #remember(digest: Digest, directory: Directory): void {
    if (this.#directories.size >= DIRECTORY_CACHE_SIZE) {
      for (const oldest of this.#directories.keys()) {
        this.#directories.delete(oldest);
        break;
      }
    }
    this.#directories.set(digest.hash, directory);
  }

  #readError(digest: Digest, error: unknown): unknown {
    if (systemErrorCode(error) !== "ENOENT") return error;
    return new BstError("cas", `Blob not found in local cache: ${formatDigest(digest)}`, { cause: error });
  }
}

function damaged(digest: Digest): BstError {
  return new BstError("cas", `Blob in local cache is damaged: ${formatDigest(digest)}`, {
    detail: "Its size differs from that in its digest. Delete the file to have it fetched or built again.",
  });
}

/** Fills the buffer unless the file ends before. */
function readFully(descriptor: number, buffer: Buffer): number {
  let count = 0;
  while (count < buffer.length) {
    const more = fs.readSync(descriptor, buffer, count, buffer.length - count, null);
    if (more === 0) break;
    count += more;
  }
  return count;
}

/** An object in the making: a file that is removed unless it is moved to its final path whole. */
class TemporaryObject implements Disposable {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash = createHash("sha256");
  #size = 0;
  #digest: Digest | undefined;
  #stored = false;

  constructor(directory: string) {
    this.#path = directory + randomBytes(12).toString("hex");
    this.#descriptor = wellSpaced(() => this.#open(directory));
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    wellSpaced(() => {
      for (let written = 0; written < bytes.length; ) {
        written += fs.writeSync(this.#descriptor, bytes, written);
      }
    });
  }

  digest(): Digest {
    this.#digest ??= { hash: this.#hash.digest("hex"), size: this.#size };
    return this.#digest;
  }

  store(target: string): void {
    wellSpaced(() => {
      fs.fchmodSync(this.#descriptor, OBJECT_MODE);
      try {
        fs.renameSync(this.#path, target);
      } catch (error) {
        if (systemErrorCode(error) !== "ENOENT") throw error;
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.renameSync(this.#path, target);
      }
    });
    this.#stored = true;
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#descriptor);
    if (!this.#stored) fs.rmSync(this.#path, { force: true });
  }

  #open(directory: string): number {
    try {
      return fs.openSync(this.#path, "wx", OBJECT_MODE);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      fs.mkdirSync(directory, { recursive: true });
      return fs.openSync(this.#path, "wx", OBJECT_MODE);
    }
  }
}

/** Turns a full disk into an error of the user's. */
function wellSpaced<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    throw new BstError("cas", "No space left for the local cache", { reason: "cache-too-full", cause: error });
  }
}
