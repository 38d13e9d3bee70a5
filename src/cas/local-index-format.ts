/** The local index's file: three columns (numbers, hashes, texts) that are read at once, under a checksum. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import type { Digest } from "./digest.ts";
import type { DirectoryNode } from "./directory.ts";
import { type FileRecord, type Identity, isExecutable, type LocalRecord } from "./local-index.ts";

/** Change the number whenever the format or the meaning of a field changes: other files are ignored. */
const MAGIC = "bst-ts index 002";
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + HASH_BYTES + 8;
const NO_HASH = "0".repeat(2 * HASH_BYTES);
const NO_IDENTITY: Identity = { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0, dev: 0 };

// Places in the column of numbers. A record begins with how many files, directories and symlinks it has, an identity
// and the size of its digest. Each file has an identity, the size of its digest, and whether it is executable; each
// directory has the size of its digest.
const IDENTITY_LENGTH = 5;
const HEAD_LENGTH = 3 + IDENTITY_LENGTH + 1;
const FILE_LENGTH = IDENTITY_LENGTH + 2;

export function encodeRecords(records: Iterable<readonly [string, LocalRecord]>): Buffer {
  const numbers: number[] = [];
  const hashes: string[] = [];
  const texts: string[] = [];
  const putIdentity = ({ size, mtimeMs, ctimeMs, ino, dev } = NO_IDENTITY) => {
    numbers.push(size, mtimeMs, ctimeMs, ino, dev);
  };
  const putDigest = (digest: Digest = { hash: NO_HASH, size: 0 }) => {
    hashes.push(digest.hash);
    numbers.push(digest.size);
  };
  for (const [path, { identity, digest, files, directories, symlinks }] of records) {
    texts.push(path);
    numbers.push(files.length, directories.length, symlinks.length);
    putIdentity(identity);
    putDigest(digest);
    for (const file of files) {
      texts.push(file.name);
      putIdentity(file.identity);
      putDigest(file.digest);
      numbers.push(file.executable ? 1 : 0);
    }
    for (const directory of directories) {
      texts.push(directory.name);
      putDigest(directory.digest);
    }
    for (const symlink of symlinks) texts.push(symlink.name, symlink.target);
  }
  const body = Buffer.concat([
    Buffer.from(Float64Array.from(numbers).buffer),
    Buffer.from(hashes.join(""), "hex"),
    Buffer.from(texts.join("\0")),
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  checksum(body).copy(header, MAGIC.length);
  header.writeUInt32LE(numbers.length, HEADER_BYTES - 8);
  header.writeUInt32LE(hashes.length, HEADER_BYTES - 4);
  return Buffer.concat([header, body]);
}

/** Where a record begins in each column. */
interface Place {
  readonly number: number;
  readonly hash: number;
  readonly text: number;
}

/** The records of a file, each unpacked when it is asked for: most are only compared with what there is. */
export class PackedRecords {
  readonly #numbers: Float64Array;
  readonly #hashes: Buffer;
  readonly #texts: readonly string[];
  readonly #places = new Map<string, Place>();

  private constructor(numbers: Float64Array, hashes: Buffer, texts: readonly string[]) {
    this.#numbers = numbers;
    this.#hashes = hashes;
    this.#texts = texts;
    let [number, hash, text] = [0, 0, 0];
    while (number < numbers.length) {
      this.#places.set(this.#text(text), { number, hash, text: text + 1 });
      const [files, directories, symlinks] = [this.#number(number), this.#number(number + 1), this.#number(number + 2)];
      number += HEAD_LENGTH + files * FILE_LENGTH + directories;
      hash += 1 + files + directories;
      text += 1 + files + directories + 2 * symlinks;
    }
  }

  /** Undefined for a file of another format or a damaged one. */
  static read(file: Buffer): PackedRecords | undefined {
    if (file.length < HEADER_BYTES || file.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    const body = file.subarray(HEADER_BYTES);
    if (!checksum(body).equals(file.subarray(MAGIC.length, MAGIC.length + HASH_BYTES))) return undefined;
    const numbersEnd = file.readUInt32LE(HEADER_BYTES - 8) * 8;
    const hashesEnd = numbersEnd + file.readUInt32LE(HEADER_BYTES - 4) * HASH_BYTES;
    return new PackedRecords(
      new Float64Array(Uint8Array.from(body.subarray(0, numbersEnd)).buffer),
      body.subarray(numbersEnd, hashesEnd),
      body.toString("utf8", hashesEnd).split("\0"),
    );
  }

  keys(): Iterable<string> {
    return this.#places.keys();
  }

  get(key: string): LocalRecord | undefined {
    const record = this.find(key);
    if (record === undefined) return undefined;
    const { identity, digest, fileCount, directoryCount, symlinkCount } = record;
    const range = <T>(count: number, item: (i: number) => T) => Array.from({ length: count }, (_, i) => item(i));
    return {
      identity,
      digest,
      files: range(fileCount, (i) => record.file(i)),
      directories: range(directoryCount, (i) => record.directory(i)),
      symlinks: range(symlinkCount, (i) => record.symlink(i)),
    };
  }

  find(key: string): PackedRecord | undefined {
    const place = this.#places.get(key);
    return place && new PackedRecord(this.#numbers, this.#hashes, this.#texts, place);
  }

  #number(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  #text(index: number): string {
    return this.#texts[index] ?? "";
  }
}

/** One record, read where it lies. */
export class PackedRecord {
  readonly #numbers: Float64Array;
  readonly #hashes: Buffer;
  readonly #texts: readonly string[];
  readonly #place: Place;

  constructor(numbers: Float64Array, hashes: Buffer, texts: readonly string[], place: Place) {
    this.#numbers = numbers;
    this.#hashes = hashes;
    this.#texts = texts;
    this.#place = place;
  }

  get fileCount(): number {
    return this.#number(0);
  }

  get directoryCount(): number {
    return this.#number(1);
  }

  get symlinkCount(): number {
    return this.#number(2);
  }

  get identity(): Identity | undefined {
    return this.#identity(3);
  }

  get digest(): Digest | undefined {
    const digest = this.#digest(0, 3 + IDENTITY_LENGTH);
    return digest.hash === NO_HASH ? undefined : digest;
  }

  /** Whether a directory's names, and the files in it, are as they were. Subdirectories have records of their own. */
  isUnchanged(directory: string): boolean {
    const own = fs.lstatSync(directory, { throwIfNoEntry: false });
    if (own === undefined || !this.#hasIdentity(3, own)) return false;
    for (let i = 0; i < this.fileCount; i++) {
      const stat = fs.lstatSync(`${directory}/${this.#text(i)}`, { throwIfNoEntry: false });
      if (stat === undefined) return false;
      const at = this.#fileStart(i);
      if (!this.#hasIdentity(at, stat)) return false;
      if (isExecutable(stat) !== (this.#number(at + IDENTITY_LENGTH + 1) === 1)) return false;
    }
    return true;
  }

  file(i: number): FileRecord {
    const at = this.#fileStart(i);
    return {
      name: this.#text(i),
      identity: this.#identity(at),
      digest: this.#digest(1 + i, at + IDENTITY_LENGTH),
      executable: this.#number(at + IDENTITY_LENGTH + 1) === 1,
    };
  }

  directory(i: number): DirectoryNode {
    const { fileCount } = this;
    return {
      name: this.#text(fileCount + i),
      digest: this.#digest(1 + fileCount + i, this.#fileStart(fileCount) + i),
    };
  }

  symlink(i: number): { readonly name: string; readonly target: string } {
    const at = this.fileCount + this.directoryCount + 2 * i;
    return { name: this.#text(at), target: this.#text(at + 1) };
  }

  #fileStart(i: number): number {
    return HEAD_LENGTH + i * FILE_LENGTH;
  }

  #number(offset: number): number {
    return this.#numbers[this.#place.number + offset] ?? 0;
  }

  #text(offset: number): string {
    return this.#texts[this.#place.text + offset] ?? "";
  }

  #digest(hash: number, size: number): Digest {
    const start = (this.#place.hash + hash) * HASH_BYTES;
    return { hash: this.#hashes.toString("hex", start, start + HASH_BYTES), size: this.#number(size) };
  }

  #identity(offset: number): Identity | undefined {
    const [size, mtimeMs, ctimeMs] = [this.#number(offset), this.#number(offset + 1), this.#number(offset + 2)];
    if (ctimeMs === 0) return undefined;
    return { size, mtimeMs, ctimeMs, ino: this.#number(offset + 3), dev: this.#number(offset + 4) };
  }

  /** What sameIdentity() says of it, without an object for each of many files. */
  #hasIdentity(offset: number, stat: Identity): boolean {
    return (
      stat.size === this.#number(offset) &&
      stat.mtimeMs === this.#number(offset + 1) &&
      stat.ctimeMs === this.#number(offset + 2) &&
      stat.ctimeMs !== 0 &&
      stat.ino === this.#number(offset + 3) &&
      stat.dev === this.#number(offset + 4)
    );
  }
}

function checksum(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
