/** The local index's file: three columns (numbers, hashes, texts) that are read at once, under a checksum. */
import { createHash } from "node:crypto";
import type { Digest } from "./digest.ts";
import type { DirectoryNode } from "./directory.ts";
import type { FileRecord, Identity, LocalRecord } from "./local-index.ts";

/** Change the number whenever the format or the meaning of a field changes: other files are ignored. */
const MAGIC = "bst-ts index 001";
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + HASH_BYTES + 8;
const NO_HASH = "0".repeat(2 * HASH_BYTES);
const NO_IDENTITY: Identity = { size: 0n, mtimeNs: 0n, ctimeNs: 0n, ino: 0n, dev: 0n };

export function encodeRecords(records: ReadonlyMap<string, LocalRecord>): Buffer {
  const numbers: bigint[] = [];
  const hashes: string[] = [];
  const texts: string[] = [];
  const putIdentity = (identity = NO_IDENTITY) => {
    numbers.push(identity.size, identity.mtimeNs, identity.ctimeNs, identity.ino, identity.dev);
  };
  const putDigest = (digest: Digest = { hash: NO_HASH, size: 0 }) => {
    hashes.push(digest.hash);
    numbers.push(BigInt(digest.size));
  };
  for (const [path, { identity, digest, files, directories, symlinks }] of records) {
    texts.push(path);
    numbers.push(BigInt(files.length), BigInt(directories.length), BigInt(symlinks.length));
    putIdentity(identity);
    putDigest(digest);
    for (const file of files) {
      texts.push(file.name);
      putIdentity(file.identity);
      putDigest(file.digest);
      numbers.push(file.executable ? 1n : 0n);
    }
    for (const directory of directories) {
      texts.push(directory.name);
      putDigest(directory.digest);
    }
    for (const symlink of symlinks) texts.push(symlink.name, symlink.target);
  }
  const body = Buffer.concat([
    Buffer.from(BigInt64Array.from(numbers).buffer),
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

/** Undefined for a file of another format or a damaged one. */
export function decodeRecords(file: Buffer): Map<string, LocalRecord> | undefined {
  if (file.length < HEADER_BYTES || file.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const body = file.subarray(HEADER_BYTES);
  if (!checksum(body).equals(file.subarray(MAGIC.length, MAGIC.length + HASH_BYTES))) return undefined;
  const numbersEnd = file.readUInt32LE(HEADER_BYTES - 8) * 8;
  const hashesEnd = numbersEnd + file.readUInt32LE(HEADER_BYTES - 4) * HASH_BYTES;
  const reader = new ColumnReader(
    new BigInt64Array(Uint8Array.from(body.subarray(0, numbersEnd)).buffer),
    body.toString("hex", numbersEnd, hashesEnd),
    body.toString("utf8", hashesEnd).split("\0"),
  );
  const records = new Map<string, LocalRecord>();
  while (!reader.atEnd()) records.set(reader.text(), readRecord(reader));
  return records;
}

function readRecord(reader: ColumnReader): LocalRecord {
  const [fileCount, directoryCount, symlinkCount] = [reader.number(), reader.number(), reader.number()];
  const identity = reader.identity();
  const digest = reader.digest();
  const files: FileRecord[] = [];
  for (let i = 0; i < fileCount; i++) {
    const name = reader.text();
    const identity = reader.identity();
    const digest = reader.digest();
    files.push({ name, identity, digest, executable: reader.number() === 1 });
  }
  const directories: DirectoryNode[] = [];
  for (let i = 0; i < directoryCount; i++) directories.push({ name: reader.text(), digest: reader.digest() });
  const symlinks = Array.from({ length: symlinkCount }, () => ({ name: reader.text(), target: reader.text() }));
  return { identity, digest: digest.hash === NO_HASH ? undefined : digest, files, directories, symlinks };
}

class ColumnReader {
  readonly #numbers: BigInt64Array;
  readonly #hashes: string;
  readonly #texts: readonly string[];
  #number = 0;
  #hash = 0;
  #text = 0;

  constructor(numbers: BigInt64Array, hashes: string, texts: readonly string[]) {
    this.#numbers = numbers;
    this.#hashes = hashes;
    this.#texts = texts;
  }

  atEnd(): boolean {
    return this.#number >= this.#numbers.length;
  }

  number(): number {
    return Number(this.bigint());
  }

  bigint(): bigint {
    return this.#numbers[this.#number++] ?? 0n;
  }

  text(): string {
    return this.#texts[this.#text++] ?? "";
  }

  identity(): Identity | undefined {
    const size = this.bigint();
    const mtimeNs = this.bigint();
    const ctimeNs = this.bigint();
    const identity = { size, mtimeNs, ctimeNs, ino: this.bigint(), dev: this.bigint() };
    return ctimeNs === 0n ? undefined : identity;
  }

  digest(): Digest {
    const start = this.#hash;
    this.#hash += 2 * HASH_BYTES;
    return { hash: this.#hashes.slice(start, this.#hash), size: this.number() };
  }
}

function checksum(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
