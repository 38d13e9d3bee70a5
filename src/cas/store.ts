/** The content-addressed store: blobs in files named by their SHA-256, laid out as buildbox-casd does. */
import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { type Digest, digestOf, formatDigest, sameDigest } from "./digest.ts";
import { type Directory, decodeDirectory, encodeDirectory } from "./directory.ts";
import { PIECE_SIZE, withPieces } from "./file-pieces.ts";
import { Presence } from "./presence.ts";
import { TemporaryFile } from "./temporary-file.ts";

/** As buildbox-casd's: blobs are written once. */
const OBJECT_MODE = 0o444;
/** Of the encoded messages of the directories kept in memory, in bytes; decoded they take some three times as much. */
const DIRECTORY_CACHE_SIZE = 16 << 20;

/** Blobs by their digests. Each is written once and never changed. */
export class Cas {
  /** @internal Absolute path. */
  readonly root: string;
  /** @internal Where files are written before they are moved to their place. */
  readonly temporaryDirectory: string;
  readonly #objects: string;
  readonly #directories = new Map<string, Directory>();
  #directoriesSize = 0;
  readonly #completeTrees = new Set<string>();
  readonly #presence: Presence | undefined;

  /**
   * @internal
   * @param root `<cachedir>/cas`; made when something is written to it
   * @param presenceFile where to remember between runs what is there; the caller saves it by {@link savePresence}
   */
  constructor(root: string, presenceFile?: string) {
    this.root = path.resolve(root);
    this.temporaryDirectory = `${this.root}/tmp`;
    this.#objects = `${this.root}/objects/`;
    if (presenceFile !== undefined)
      this.#presence = new Presence(this.#objects, presenceFile, (digest) => this.has(digest));
  }

  /** Absolute path of a blob's file, which is read-only, whether or not it is there. */
  objectPath(digest: Digest): string {
    return `${this.#objects}${digest.hash.slice(0, 2)}/${digest.hash.slice(2)}`;
  }

  /** A file of another size than the digest's does not count: a crash of the machine can leave such. */
  has(digest: Digest): boolean {
    return fs.statSync(this.objectPath(digest), { throwIfNoEntry: false })?.size === digest.size;
  }

  /** Throws BstError in domain "cas" if the blob is missing or of another size. */
  read(digest: Digest): Buffer {
    let bytes: Buffer;
    try {
      bytes = fs.readFileSync(this.objectPath(digest));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") throw missing(digest);
      throw error;
    }
    if (bytes.length !== digest.size) throw damaged(digest);
    return bytes;
  }

  /**
   * Passes a blob on piece by piece; a piece is valid during the call only. Throws BstError in domain "cas" if the blob is
   * missing or of another size.
   */
  readPieces(digest: Digest, consume: (piece: Buffer) => void): void {
    this.#require(digest);
    withPieces(this.objectPath(digest), (next) => {
      for (let piece = next(); piece.length > 0; piece = next()) consume(piece);
    });
  }

  /** Throws BstError in domain "cas" if it can't be stored, with reason `cache-too-full` if the disk is full. */
  write(bytes: Uint8Array | string): Digest {
    const digest = digestOf(bytes);
    if (this.has(digest)) return digest;
    using file = new TemporaryFile(this.temporaryDirectory);
    file.write(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    return this.keep(file, digest);
  }

  /** Copies a file's content into the store. Throws the system's error if it can't be read. */
  importFile(source: string): Digest {
    return withPieces(source, (next) => {
      let piece = next();
      if (piece.length < PIECE_SIZE) return this.write(piece);
      using blob = new IncomingBlob(this);
      for (; piece.length > 0; piece = next()) blob.write(piece);
      return blob.store();
    });
  }

  /**
   * Stores what a stream gives. Throws BstError in domain "cas" if that is not `expected`, and the signal's reason as
   * soon as it is aborted; nothing is stored then.
   */
  async importStream(
    source: AsyncIterable<Uint8Array>,
    options: { readonly expected?: Digest; readonly signal?: AbortSignal } = {},
  ): Promise<Digest> {
    const { expected, signal } = options;
    using blob = new IncomingBlob(this);
    for await (const chunk of abortable(source, signal)) blob.write(chunk);
    const digest = blob.digest();
    if (expected !== undefined && !sameDigest(expected, digest)) {
      throw new BstError("cas", `Received blob ${formatDigest(digest)} where ${formatDigest(expected)} was expected`);
    }
    return blob.store();
  }

  /** Gives a file that was written to {@link temporaryDirectory} its place, unless that blob is there already. */
  keep(file: TemporaryFile, digest: Digest): Digest {
    if (!this.has(digest)) file.place(this.objectPath(digest), { mode: OBJECT_MODE });
    return digest;
  }

  /** Throws BstError in domain "cas" if the blob is missing or of another size. */
  createReadStream(digest: Digest): Readable {
    this.#require(digest);
    return fs.createReadStream(this.objectPath(digest), { highWaterMark: 1 << 18 });
  }

  /** Throws BstError in domain "cas" if the blob is missing or no valid Directory message. */
  readDirectory(digest: Digest): Directory {
    let directory = this.#directories.get(digest.hash);
    if (directory === undefined) {
      // The empty message needs no blob.
      directory = decodeDirectory(digest.size === 0 ? new Uint8Array() : this.read(digest));
      this.#remember(digest, directory);
    }
    return directory;
  }

  /** The entries are sorted. Throws as {@link write} does. */
  writeDirectory(directory: Directory): Digest {
    return this.write(encodeDirectory(directory));
  }

  /** Whether all directories and files of a tree are there. A yes is remembered while the process lives. */
  hasTree(root: Digest): boolean {
    const presence = this.#presence;
    if (this.#completeTrees.has(root.hash) || presence?.hasTree(root.hash)) return true;
    if (!this.#isThere(root)) return false;
    const { files, directories } = this.readDirectory(root);
    const complete =
      files.every(({ digest }) => this.#isThere(digest)) && directories.every(({ digest }) => this.hasTree(digest));
    if (complete) {
      this.#completeTrees.add(root.hash);
      presence?.addTree(root);
    }
    return complete;
  }

  /** @internal Whether all directories of a tree are there; its files may be missing. */
  hasDirectories(root: Digest): boolean {
    if (this.#completeTrees.has(root.hash) || this.#presence?.hasTree(root.hash)) return true;
    // The empty message needs no blob.
    if (root.size > 0 && !this.has(root)) return false;
    return this.readDirectory(root).directories.every(({ digest }) => this.hasDirectories(digest));
  }

  /** @internal Whether all blobs are there, by what is remembered where nothing was removed since. */
  hasAll(digests: readonly Digest[]): boolean {
    return digests.every((digest) => this.#isThere(digest));
  }

  #isThere(digest: Digest): boolean {
    const isThere = this.#presence?.hasBlob(digest.hash) || this.has(digest);
    if (isThere) this.#presence?.addBlob(digest);
    return isThere;
  }

  /** @internal */
  savePresence(): void {
    this.#presence?.save();
  }

  /** Starts afresh when full. */
  #remember(digest: Digest, directory: Directory): void {
    if (this.#directoriesSize > DIRECTORY_CACHE_SIZE) {
      this.#directories.clear();
      this.#directoriesSize = 0;
    }
    this.#directories.set(digest.hash, directory);
    this.#directoriesSize += digest.size;
  }

  #require(digest: Digest): void {
    const size = fs.statSync(this.objectPath(digest), { throwIfNoEntry: false })?.size;
    if (size === undefined) throw missing(digest);
    if (size !== digest.size) throw damaged(digest);
  }
}

/** A blob whose digest is known only when all of it has been written. */
class IncomingBlob implements Disposable {
  readonly #cas: Cas;
  readonly #file: TemporaryFile;
  readonly #hash: Hash = createHash("sha256");
  #size = 0;
  #digest: Digest | undefined;

  constructor(cas: Cas) {
    this.#cas = cas;
    this.#file = new TemporaryFile(cas.temporaryDirectory);
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    this.#file.write(bytes);
  }

  /** Nothing can be written afterwards. */
  digest(): Digest {
    this.#digest ??= { hash: this.#hash.digest("hex"), size: this.#size };
    return this.#digest;
  }

  store(): Digest {
    return this.#cas.keep(this.#file, this.digest());
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** The same items; does not wait for one that does not come when the signal is aborted. */
async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await nextOf(iterator, signal);
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    // Not awaited then: a generator that waits for its next item can't return before it has it.
    const closed = iterator.return?.();
    if (signal.aborted) closed?.catch(() => {});
    else await closed;
  }
}

/** Rejected with the signal's reason; listens for each item anew, since what a lasting promise was raced with is never freed. */
function nextOf<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

function missing(digest: Digest): BstError {
  return new BstError("cas", `Blob not found in local cache: ${formatDigest(digest)}`);
}

function damaged(digest: Digest): BstError {
  return new BstError("cas", `Blob in local cache is damaged: ${formatDigest(digest)}`, {
    detail: "Its size is not that of its digest. Remove the file to have it fetched or built again.",
  });
}
