/** Blobs of any size, piece by piece. */
import fs from "node:fs";
import { BstError } from "../../base/errors.ts";
import { type Digest, formatDigest, parseDigest } from "../../cas/digest.ts";
import type { Cas } from "../../cas/store.ts";
import { hasBlob } from "./blobs.ts";
import {
  CallError,
  decodeRead,
  decodeWrite,
  encodeRead,
  encodeWriteStatus,
  encodeWritten,
  INVALID_ARGUMENT,
  NOT_FOUND,
  OUT_OF_RANGE,
} from "./messages.ts";

/** Bytes of a blob in one message. */
const CHUNK_SIZE = 1 << 20;

/** `blobs/<hash>/<size>`, after which anything may follow, and `uploads/<id>/` before it where it is written. */
const RESOURCE = /^(?:uploads\/[^/]+\/)?blobs\/([^/]+\/[^/]+)(?:\/|$)/;

/** @throws CallError INVALID_ARGUMENT */
function digestIn(resource: string, isUpload: boolean): Digest {
  const [, text = ""] = resource.startsWith("uploads/") === isUpload ? (RESOURCE.exec(resource) ?? []) : [];
  const digest = parseDigest(text);
  if (digest !== undefined) return digest;
  throw new CallError(INVALID_ARGUMENT, `${JSON.stringify(resource)} is no name of a blob here`);
}

/** @throws CallError where there is no such blob, or part of it */
export async function* read(cas: Cas, request: Buffer): AsyncGenerator<Buffer> {
  const { resource, offset, limit } = decodeRead(request);
  const digest = digestIn(resource, false);
  if (!hasBlob(cas, digest)) throw new CallError(NOT_FOUND, `There is no blob ${formatDigest(digest)}`);
  if (offset < 0 || offset > digest.size) {
    throw new CallError(OUT_OF_RANGE, `${offset} is not within the blob's ${digest.size} bytes`);
  }
  if (limit < 0) throw new CallError(INVALID_ARGUMENT, "The limit is negative");
  const end = limit === 0 ? digest.size : Math.min(offset + limit, digest.size);
  if (end === offset) {
    yield encodeRead(Buffer.alloc(0));
    return;
  }
  const range = { start: offset, end: end - 1, highWaterMark: CHUNK_SIZE };
  for await (const chunk of fs.createReadStream(cas.objectPath(digest), range)) yield encodeRead(chunk);
}

/**
 * Stores a blob if it is what its name says.
 * @throws CallError INVALID_ARGUMENT for another; the signal's reason where it is aborted
 */
export async function write(cas: Cas, messages: AsyncIterator<Buffer>, signal: AbortSignal): Promise<Buffer> {
  const first = await messages.next();
  if (first.done === true) throw new CallError(INVALID_ARGUMENT, "There is no message");
  const digest = digestIn(decodeWrite(first.value).resource, true);
  if (hasBlob(cas, digest)) return encodeWritten(digest.size);
  try {
    await cas.importStream(pieces(first.value, messages, digest), { expected: digest, signal });
  } catch (error) {
    // What has a cause is about the store.
    if (error instanceof BstError && error.cause === undefined) throw new CallError(INVALID_ARGUMENT, error.message);
    throw error;
  }
  return encodeWritten(digest.size);
}

async function* pieces(first: Buffer, messages: AsyncIterator<Buffer>, { size }: Digest): AsyncGenerator<Buffer> {
  let received = 0;
  for (let bytes: Buffer | undefined = first; ; ) {
    if (bytes === undefined) throw new CallError(INVALID_ARGUMENT, "The last message is not marked as such");
    const { offset, isLast, data } = decodeWrite(bytes);
    if (offset !== received) {
      throw new CallError(INVALID_ARGUMENT, `Data for offset ${offset} come where ${received} bytes are here`);
    }
    received += data.length;
    if (received > size) throw new CallError(INVALID_ARGUMENT, `There are more than ${size} bytes`);
    yield data;
    if (isLast) return;
    const next = await messages.next();
    bytes = next.done === true ? undefined : next.value;
  }
}

/** Uploads can't be taken up again: a blob is there, or nothing of it. @throws CallError NOT_FOUND */
export function queryWriteStatus(cas: Cas, request: Buffer): Buffer {
  const digest = digestIn(decodeRead(request).resource, true);
  if (!hasBlob(cas, digest)) throw new CallError(NOT_FOUND, "There is no such upload");
  return encodeWriteStatus(digest.size);
}
