/** Moves blobs and trees between the store and a server, in batches where they are small, and only what is missing. */
import { BstError } from "../base/errors.ts";
import { type Digest, digestOf, formatDigest, sameDigest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { CasClient } from "./cas-client.ts";
import { RpcError } from "./connection.ts";

const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
/** Bytes that a digest takes in a message besides its blob. */
const DIGEST_SIZE = 100;

/** The server does not have a blob that was promised. */
export class BlobNotFound extends BstError {
  readonly digest: Digest;

  constructor(digest: Digest, cause?: unknown) {
    super("cas", `The server does not have the blob ${formatDigest(digest)}`, { cause });
    this.digest = digest;
  }
}

/**
 * Gets blobs that the store does not have. Each is checked before it is stored.
 * @throws BlobNotFound, RpcError; BstError domain cas, where the server sends something else
 */
export async function downloadBlobs(
  cas: Cas,
  client: CasClient,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<void> {
  const missing = unique(digests).filter((digest) => !cas.has(digest) && !isWrittenEmpty(cas, digest));
  const { batches, large } = pack(missing, client.batchSize);
  await allOrNone(signal, [
    ...batches.map((batch) => (signal: AbortSignal) => readBatch(cas, client, batch, signal)),
    ...large.map((digest) => (signal: AbortSignal) => readLarge(cas, client, digest, signal)),
  ]);
}

/**
 * Gets what the store does not have of a tree: directories level by level, so that those which it has are not sent again.
 * @throws BlobNotFound, RpcError; BstError domain cas, where the server sends something else
 */
export async function downloadTree(cas: Cas, client: CasClient, root: Digest, signal: AbortSignal): Promise<void> {
  if (cas.has(root) && cas.hasTree(root)) return;
  const visited = new Set<string>();
  const files: Digest[] = [];
  for (let level: readonly Digest[] = [root]; level.length > 0; ) {
    await downloadBlobs(cas, client, level, signal);
    const below: Digest[] = [];
    for (const digest of level) {
      const directory = cas.readDirectory(digest);
      for (const file of directory.files) files.push(file.digest);
      for (const { digest } of directory.directories) {
        if (visited.has(digest.hash)) continue;
        visited.add(digest.hash);
        below.push(digest);
      }
    }
    level = below;
  }
  await downloadBlobs(cas, client, files, signal);
}

/** The directories and files of a tree, which is in the store, each once. */
export function blobsOfTree(cas: Cas, root: Digest): Digest[] {
  const blobs = new Map<string, Digest>([[root.hash, root]]);
  const stack = [root];
  for (let digest = stack.pop(); digest !== undefined; digest = stack.pop()) {
    const { files, directories } = cas.readDirectory(digest);
    for (const file of files) blobs.set(file.digest.hash, file.digest);
    for (const { digest } of directories) {
      if (blobs.has(digest.hash)) continue;
      blobs.set(digest.hash, digest);
      stack.push(digest);
    }
  }
  return [...blobs.values()];
}

/**
 * Sends blobs that the server does not have.
 * @throws RpcError; BstError domain cas, reason cache-too-full, where the server has no space left
 */
export async function uploadBlobs(
  cas: Cas,
  client: CasClient,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<void> {
  try {
    const missing = await client.findMissing(unique(digests), signal);
    const { batches, large } = pack(missing, client.batchSize);
    await allOrNone(signal, [
      ...batches.map((batch) => (signal: AbortSignal) => writeBatch(cas, client, batch, signal)),
      ...large.map((digest) => (signal: AbortSignal) => client.write(digest, () => contentOf(cas, digest), signal)),
    ]);
  } catch (error) {
    if (error instanceof RpcError && error.status === "RESOURCE_EXHAUSTED") throw full(error.message, error);
    throw error;
  }
}

async function readBatch(cas: Cas, client: CasClient, batch: readonly Digest[], signal: AbortSignal): Promise<void> {
  const results = new Map((await client.readBatch(batch, signal)).map((result) => [result.digest.hash, result]));
  for (const digest of batch) {
    const result = results.get(digest.hash);
    if (result === undefined || result.status.code === NOT_FOUND) throw new BlobNotFound(digest);
    const { status, data } = result;
    if (status.code !== 0) throw failure("download", digest, status);
    const received = digestOf(data);
    if (!sameDigest(received, digest)) {
      throw new BstError("cas", `Received blob ${formatDigest(received)} where ${formatDigest(digest)} was expected`);
    }
    cas.write(data);
  }
}

async function readLarge(cas: Cas, client: CasClient, digest: Digest, signal: AbortSignal): Promise<void> {
  try {
    await client.read(digest, signal, (pieces) => cas.importStream(pieces, { expected: digest, signal }));
  } catch (error) {
    if (error instanceof RpcError && error.status === "NOT_FOUND") throw new BlobNotFound(digest, error);
    throw error;
  }
}

async function writeBatch(cas: Cas, client: CasClient, batch: readonly Digest[], signal: AbortSignal): Promise<void> {
  const blobs = () => batch.map((digest) => ({ digest, data: digest.size === 0 ? Buffer.alloc(0) : cas.read(digest) }));
  for (const { digest, status } of await client.updateBatch(blobs, signal)) {
    if (status.code === RESOURCE_EXHAUSTED) throw full(status.message);
    if (status.code !== 0) throw failure("upload", digest, status);
  }
}

function contentOf(cas: Cas, digest: Digest): AsyncIterable<Buffer> {
  return cas.createReadStream(digest);
}

/** Blobs that are sent together, and those that are too large for that. */
function pack(digests: readonly Digest[], limit: number): { batches: Digest[][]; large: Digest[] } {
  const batches: Digest[][] = [];
  const large: Digest[] = [];
  let batch: Digest[] = [];
  let size = 0;
  for (const digest of digests) {
    const needed = digest.size + DIGEST_SIZE;
    if (needed > limit) {
      large.push(digest);
      continue;
    }
    if (size + needed > limit || batch.length === 0) {
      batch = [];
      batches.push(batch);
      size = 0;
    }
    batch.push(digest);
    size += needed;
  }
  return { batches, large };
}

/** There is one empty blob, which no server needs to be asked for. */
function isWrittenEmpty(cas: Cas, digest: Digest): boolean {
  return digest.size === 0 && sameDigest(cas.write(""), digest);
}

function unique(digests: readonly Digest[]): Digest[] {
  return [...new Map(digests.map((digest) => [digest.hash, digest])).values()];
}

/** When one fails, the others are ended; nothing runs any more afterwards. */
async function allOrNone(
  signal: AbortSignal,
  jobs: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: unknown;
  await Promise.all(
    jobs.map(async (job) => {
      try {
        either.throwIfAborted();
        await job(either);
      } catch (error) {
        if (!failed.signal.aborted) first = error;
        failed.abort();
      }
    }),
  );
  signal.throwIfAborted();
  if (failed.signal.aborted) throw first;
}

function failure(what: "download" | "upload", digest: Digest, { code, message }: { code: number; message: string }) {
  return new RpcError("UNKNOWN", `Failed to ${what} blob ${formatDigest(digest)}: status ${code} ${message}`.trimEnd());
}

function full(message: string, cause?: unknown): BstError {
  return new BstError("cas", `The server has no space left: ${message}`, { reason: "cache-too-full", cause });
}
