/** The messages that a server of caches gets and sends, on the wire. */
import type { Digest } from "../../cas/digest.ts";
import { readDigest, writeDigest } from "../../cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../../cas/protobuf.ts";
import type { Status } from "../messages.ts";

/** Codes of gRPC that calls are answered with. */
export const INVALID_ARGUMENT = 3;
export const NOT_FOUND = 5;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const OUT_OF_RANGE = 11;
export const INTERNAL = 13;

/** A call's failure, as its client is told. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** There is one instance, which has no name. @throws CallError for others */
export function requireInstance(name: string): void {
  if (name !== "") throw new CallError(INVALID_ARGUMENT, `There is no instance ${JSON.stringify(name)} here`);
}

/** Reads the fields of a request whose first is the instance; `read` gets all others, and skips those it does not know. */
function readRequest(bytes: Buffer, read: (reader: ProtoReader) => void): void {
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) requireInstance(reader.string());
    else read(reader);
  }
}

export function decodeInstance(bytes: Buffer): void {
  readRequest(bytes, (reader) => reader.skip());
}

/** Of FindMissingBlobs and BatchReadBlobs. */
export function decodeDigests(bytes: Buffer): Digest[] {
  const digests: Digest[] = [];
  readRequest(bytes, (reader) => {
    if (reader.field === 2) digests.push(readDigest(reader.message()));
    else reader.skip();
  });
  return digests;
}

interface SentBlob {
  readonly digest: Digest;
  readonly data: Buffer;
}

export function decodeBatchUpdate(bytes: Buffer): SentBlob[] {
  const blobs: SentBlob[] = [];
  readRequest(bytes, (reader) => {
    if (reader.field === 2) blobs.push(readSentBlob(reader.message()));
    else reader.skip();
  });
  return blobs;
}

function readSentBlob(reader: ProtoReader): SentBlob {
  let digest: Digest | undefined;
  let data: Buffer = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.field === 1) digest = readDigest(reader.message());
    else if (reader.field === 2) data = reader.bytes();
    else reader.skip();
  }
  return { digest: required(digest), data };
}

export interface TreeRequest {
  readonly root: Digest;
  /** Directories in one message; 0 where the server is to choose. */
  readonly pageSize: number;
  readonly pageToken: string;
}

export function decodeGetTree(bytes: Buffer): TreeRequest {
  let root: Digest | undefined;
  let pageSize = 0;
  let pageToken = "";
  readRequest(bytes, (reader) => {
    if (reader.field === 2) root = readDigest(reader.message());
    else if (reader.field === 3) pageSize = reader.int();
    else if (reader.field === 4) pageToken = reader.string();
    else reader.skip();
  });
  return { root: required(root), pageSize, pageToken };
}

export function decodeGetAction(bytes: Buffer): Digest {
  let action: Digest | undefined;
  readRequest(bytes, (reader) => {
    if (reader.field === 2) action = readDigest(reader.message());
    else reader.skip();
  });
  return required(action);
}

export function decodeUpdateAction(bytes: Buffer): { readonly action: Digest; readonly result: Buffer } {
  let action: Digest | undefined;
  let result: Buffer = Buffer.alloc(0);
  readRequest(bytes, (reader) => {
    if (reader.field === 2) action = readDigest(reader.message());
    else if (reader.field === 3) result = reader.bytes();
    else reader.skip();
  });
  return { action: required(action), result };
}

function required(digest: Digest | undefined): Digest {
  if (digest === undefined) throw new CallError(INVALID_ARGUMENT, "The request has no digest");
  return digest;
}

export function decodeRead(bytes: Buffer): {
  readonly resource: string;
  readonly offset: number;
  readonly limit: number;
} {
  const reader = new ProtoReader(bytes);
  let [resource, offset, limit] = ["", 0, 0];
  while (reader.next()) {
    if (reader.field === 1) resource = reader.string();
    else if (reader.field === 2) offset = reader.int();
    else if (reader.field === 3) limit = reader.int();
    else reader.skip();
  }
  return { resource, offset, limit };
}

export interface WriteMessage {
  readonly resource: string;
  readonly offset: number;
  readonly isLast: boolean;
  readonly data: Buffer;
}

export function decodeWrite(bytes: Buffer): WriteMessage {
  const reader = new ProtoReader(bytes);
  let [resource, offset, isLast] = ["", 0, false];
  let data: Buffer = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.field === 1) resource = reader.string();
    else if (reader.field === 2) offset = reader.int();
    else if (reader.field === 3) isLast = reader.bool();
    else if (reader.field === 10) data = reader.bytes();
    else reader.skip();
  }
  return { resource, offset, isLast, data };
}

/** Of what a server can do: a cache of SHA-256 digests, and nothing that runs actions. */
export function encodeCapabilities(batchSize: number, allowsUpdates: boolean): Buffer {
  const sha256 = 1;
  const absoluteSymlinksAllowed = 2;
  return new ProtoWriter()
    .message(1, (cache) => {
      cache.bytes(1, Buffer.from([sha256]));
      cache.message(2, () => cache.bool(1, allowsUpdates));
      cache.int(4, batchSize).int(5, absoluteSymlinksAllowed);
    })
    .message(4, (version) => version.int(1, 2))
    .message(5, (version) => version.int(1, 2).int(2, 3))
    .finish();
}

export function encodeMissing(digests: readonly Digest[]): Buffer {
  const writer = new ProtoWriter();
  for (const digest of digests) writeDigest(writer, 2, digest);
  return writer.finish();
}

/** Of BatchUpdateBlobs, where the status has field 2, and BatchReadBlobs, where it has 3. */
export function encodeBlobResults(
  results: Iterable<{ readonly digest: Digest; readonly data?: Buffer; readonly status?: Status }>,
  statusField: 2 | 3,
): Buffer {
  const writer = new ProtoWriter();
  for (const { digest, data, status } of results) {
    writer.message(1, () => {
      writeDigest(writer, 1, digest);
      if (data !== undefined) writer.bytes(2, data);
      writer.message(statusField, () => {
        if (status !== undefined) writer.int(1, status.code).string(2, status.message);
      });
    });
  }
  return writer.finish();
}

export function encodeTreePage(directories: readonly Buffer[], nextPageToken: string): Buffer {
  const writer = new ProtoWriter();
  for (const directory of directories) writer.bytes(1, directory, true);
  return writer.string(2, nextPageToken).finish();
}

export function encodeRead(data: Buffer): Buffer {
  return new ProtoWriter().bytes(10, data).finish();
}

export function encodeWritten(size: number): Buffer {
  return new ProtoWriter().int(1, size).finish();
}

export function encodeWriteStatus(size: number): Buffer {
  return new ProtoWriter().int(1, size).bool(2, true).finish();
}
