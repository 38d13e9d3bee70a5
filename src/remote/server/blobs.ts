/** Blobs of the store as clients see them: which there are, several at a time, and trees. */
import { setImmediate } from "node:timers/promises";
import { BstError } from "../../base/errors.ts";
import { type Digest, digestOf, formatDigest, sameDigest } from "../../cas/digest.ts";
import { type Directory, decodeDirectory, EMPTY_DIRECTORY_DIGEST } from "../../cas/directory.ts";
import { ProtoReader } from "../../cas/protobuf.ts";
import type { Cas } from "../../cas/store.ts";
import {
  CallError,
  decodeBatchUpdate,
  decodeDigests,
  decodeGetTree,
  encodeBlobResults,
  encodeMissing,
  encodeTreePage,
  INVALID_ARGUMENT,
  NOT_FOUND,
  RESOURCE_EXHAUSTED,
} from "./messages.ts";

/** Bytes of one message: what gRPC's clients take, if they are not told otherwise. */
export const MESSAGE_SIZE = 4 << 20;
/** Bytes of the blobs in one message; the rest is for what is said of each. */
export const BATCH_SIZE = MESSAGE_SIZE - (64 << 10);
/** Bytes of a message that is read as a whole: of some 100,000 entries. */
const LARGEST_DIRECTORY = 16 << 20;
/** Bytes of directories in one message, and how many there are at most. */
const PAGE_SIZE = 1 << 20;
const PAGE_LENGTH = 1000;
/** Of one tree. */
const MOST_DIRECTORIES = 1_000_000;
/** Directories that are read before others may go on. */
const AT_A_TIME = 100;

/** The empty blob is always there, and has no file. */
export function hasBlob(cas: Cas, digest: Digest): boolean {
  return sameDigest(digest, EMPTY_DIRECTORY_DIGEST) || cas.has(digest);
}

/** @throws CallError NOT_FOUND */
function readBlob(cas: Cas, digest: Digest): Buffer {
  if (sameDigest(digest, EMPTY_DIRECTORY_DIGEST)) return Buffer.alloc(0);
  if (!cas.has(digest)) throw new CallError(NOT_FOUND, `There is no blob ${formatDigest(digest)}`);
  return cas.read(digest);
}

export function findMissing(cas: Cas, request: Buffer): Buffer {
  return encodeMissing(decodeDigests(request).filter((digest) => !hasBlob(cas, digest)));
}

/** Each blob is checked before it is stored. */
export function batchUpdate(cas: Cas, request: Buffer): Buffer {
  const results = decodeBatchUpdate(request).map(({ digest, data }) => {
    const found = digestOf(data);
    if (!sameDigest(found, digest)) {
      return { digest, status: { code: INVALID_ARGUMENT, message: `The data are those of ${formatDigest(found)}` } };
    }
    if (digest.size > 0) cas.write(data);
    return { digest };
  });
  return encodeBlobResults(results, 2);
}

export function batchRead(cas: Cas, request: Buffer): Buffer {
  const digests = decodeDigests(request);
  const total = digests.reduce((sum, { size }) => sum + size, 0);
  if (total > BATCH_SIZE) {
    throw new CallError(INVALID_ARGUMENT, `${total} bytes are asked for at once, where ${BATCH_SIZE} are the most`);
  }
  const results = digests.map((digest) =>
    hasBlob(cas, digest)
      ? { digest, data: readBlob(cas, digest) }
      : { digest, status: { code: NOT_FOUND, message: "There is no such blob" } },
  );
  return encodeBlobResults(results, 3);
}

/** The directories of a tree that are there, from the root down, in pages. @throws CallError NOT_FOUND without a root */
export async function* getTree(cas: Cas, request: Buffer): AsyncGenerator<Buffer> {
  const { root, pageSize, pageToken } = decodeGetTree(request);
  const first = pageToken === "" ? 0 : Number(pageToken);
  if (!Number.isSafeInteger(first) || first < 0) throw new CallError(INVALID_ARGUMENT, "No such page token");
  const length = pageSize > 0 ? Math.min(pageSize, PAGE_LENGTH) : PAGE_LENGTH;
  let index = 0;
  let page: Buffer[] = [];
  let size = 0;
  for await (const { digest, bytes } of directoriesOf(cas, root)) {
    if (bytes === undefined) {
      if (sameDigest(digest, root)) throw new CallError(NOT_FOUND, `There is no directory ${formatDigest(root)}`);
      continue;
    }
    if (index++ < first) continue;
    if (page.length === length || (page.length > 0 && size + bytes.length > PAGE_SIZE)) {
      yield encodeTreePage(page, String(index - 1));
      page = [];
      size = 0;
    }
    page.push(bytes);
    size += bytes.length;
  }
  yield encodeTreePage(page, "");
}

/** Whether all directories and files of a tree are there. */
export async function isWhole(cas: Cas, root: Digest): Promise<boolean> {
  for await (const { directory } of directoriesOf(cas, root)) {
    if (directory === undefined || !directory.files.every(({ digest }) => hasBlob(cas, digest))) return false;
  }
  return true;
}

/** The same for a Tree message, which has the directories in itself. @throws BstError domain cas, where it is malformed */
export function isWholeTree(cas: Cas, digest: Digest): boolean {
  if (digest.size > LARGEST_DIRECTORY || !hasBlob(cas, digest)) return false;
  const reader = new ProtoReader(readBlob(cas, digest));
  while (reader.next()) {
    // The root, and all others.
    if (reader.field === 1 || reader.field === 2) {
      const { files } = decodeDirectory(reader.bytes());
      if (!files.every((file) => hasBlob(cas, file.digest))) return false;
    } else reader.skip();
  }
  return true;
}

interface Visited {
  readonly digest: Digest;
  /** Both are undefined where the store has no such directory. */
  readonly bytes: Buffer | undefined;
  readonly directory: Directory | undefined;
}

/**
 * Each directory once, wherever it is: trees that name one and the same many times would never end. Clients make them up,
 * so that they may be deep and large.
 */
async function* directoriesOf(cas: Cas, root: Digest): AsyncGenerator<Visited> {
  const seen = new Set([root.hash]);
  const found = [root];
  let count = 0;
  for (const digest of found) {
    if (++count % AT_A_TIME === 0) await setImmediate();
    const bytes = digest.size <= LARGEST_DIRECTORY && hasBlob(cas, digest) ? readBlob(cas, digest) : undefined;
    const directory = bytes && asDirectory(bytes);
    for (const { digest } of directory?.directories ?? []) {
      if (seen.has(digest.hash)) continue;
      seen.add(digest.hash);
      found.push(digest);
    }
    if (found.length > MOST_DIRECTORIES) throw new CallError(RESOURCE_EXHAUSTED, "The tree has too many directories");
    yield { digest, bytes: directory && bytes, directory };
  }
}

/** Undefined for what is none. */
function asDirectory(bytes: Buffer): Directory | undefined {
  try {
    return decodeDirectory(bytes);
  } catch (error) {
    if (error instanceof BstError) return undefined;
    throw error;
  }
}
