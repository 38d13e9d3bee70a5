/** The messages of the Remote Execution, Remote Asset and ByteStream services that caches are used by, on the wire. */
import type { Digest } from "../cas/digest.ts";
import { readDigest, writeDigest } from "../cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../cas/protobuf.ts";

export const CAS = "/build.bazel.remote.execution.v2.ContentAddressableStorage";
export const CAPABILITIES = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities";
export const BYTE_STREAM = "/google.bytestream.ByteStream";
export const FETCH = "/build.bazel.remote.asset.v1.Fetch";
export const PUSH = "/build.bazel.remote.asset.v1.Push";

/** google.rpc.Status, within messages. */
export interface Status {
  /** A gRPC code; 0 for success. */
  readonly code: number;
  readonly message: string;
}

const OK: Status = { code: 0, message: "" };

/** What was done with one blob. */
export interface BlobResult {
  readonly digest: Digest;
  /** Of reading. */
  readonly data: Buffer;
  readonly status: Status;
}

/** Digests only: of FindMissingBlobs and BatchReadBlobs. */
export function encodeDigests(instanceName: string, digests: readonly Digest[]): Buffer {
  const writer = new ProtoWriter().string(1, instanceName);
  for (const digest of digests) writeDigest(writer, 2, digest);
  return writer.finish();
}

export function decodeMissing(bytes: Buffer): Digest[] {
  const reader = new ProtoReader(bytes);
  const missing: Digest[] = [];
  while (reader.next()) {
    if (reader.field === 2) missing.push(readDigest(reader.message()));
    else reader.skip();
  }
  return missing;
}

export function encodeBatchUpdate(
  instanceName: string,
  blobs: readonly { readonly digest: Digest; readonly data: Buffer }[],
): Buffer {
  const writer = new ProtoWriter().string(1, instanceName);
  for (const { digest, data } of blobs) {
    writer.message(2, () => {
      writeDigest(writer, 1, digest);
      writer.bytes(2, data);
    });
  }
  return writer.finish();
}

/** Of BatchReadBlobs, where the status has field 3, and BatchUpdateBlobs, where it has 2. */
export function decodeBlobResults(bytes: Buffer, statusField: 2 | 3): BlobResult[] {
  const reader = new ProtoReader(bytes);
  const results: BlobResult[] = [];
  while (reader.next()) {
    if (reader.field === 1) results.push(readBlobResult(reader.message(), statusField));
    else reader.skip();
  }
  return results;
}

function readBlobResult(reader: ProtoReader, statusField: 2 | 3): BlobResult {
  let digest: Digest | undefined;
  let data: Buffer = Buffer.alloc(0);
  let status = OK;
  while (reader.next()) {
    if (reader.field === 1) digest = readDigest(reader.message());
    else if (reader.field === statusField) status = readStatus(reader.message());
    else if (reader.field === 2) data = reader.bytes();
    else reader.skip();
  }
  return { digest: digest ?? { hash: "", size: 0 }, data, status };
}

function readStatus(reader: ProtoReader): Status {
  let code = 0;
  let message = "";
  while (reader.next()) {
    if (reader.field === 1) code = reader.int();
    else if (reader.field === 2) message = reader.string();
    else reader.skip();
  }
  return { code, message };
}

/** Of messages that say no more than for which instance. */
export function encodeInstance(instanceName: string): Buffer {
  return new ProtoWriter().string(1, instanceName).finish();
}

/** The bytes that blobs may have which are sent together; undefined where the server sets no limit. */
export function decodeBatchLimit(bytes: Buffer): number | undefined {
  const reader = new ProtoReader(bytes);
  let limit = 0;
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const cache = reader.message();
    while (cache.next()) {
      if (cache.field === 4) limit = cache.int();
      else cache.skip();
    }
  }
  return limit > 0 ? limit : undefined;
}

export function encodeRead(resourceName: string): Buffer {
  return new ProtoWriter().string(1, resourceName).finish();
}

export function decodeRead(bytes: Buffer): Buffer {
  const reader = new ProtoReader(bytes);
  let data: Buffer = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.field === 10) data = reader.bytes();
    else reader.skip();
  }
  return data;
}

export function encodeWrite(resourceName: string, offset: number, data: Buffer, isLast: boolean): Buffer {
  return new ProtoWriter().string(1, resourceName).int(2, offset).bool(3, isLast).bytes(10, data).finish();
}

/** How many bytes the server has. */
export function decodeWritten(bytes: Buffer): number {
  const reader = new ProtoReader(bytes);
  let size = 0;
  while (reader.next()) {
    if (reader.field === 1) size = reader.int();
    else reader.skip();
  }
  return size;
}

/** FetchBlob and FetchDirectory. */
export function encodeFetch(instanceName: string, uris: readonly string[]): Buffer {
  const writer = new ProtoWriter().string(1, instanceName);
  for (const uri of uris) writer.string(4, uri);
  return writer.finish();
}

/** What a name stands for, if the server knows it. */
export function decodeFetch(bytes: Buffer): { status: Status; digest: Digest | undefined } {
  const reader = new ProtoReader(bytes);
  let status = OK;
  let digest: Digest | undefined;
  while (reader.next()) {
    if (reader.field === 1) status = readStatus(reader.message());
    else if (reader.field === 5) digest = readDigest(reader.message());
    else reader.skip();
  }
  return { status, digest };
}

/** A name for a blob or a directory. */
export interface Asset {
  readonly uris: readonly string[];
  readonly digest: Digest;
  /** What must not expire before the name does. */
  readonly references?: { readonly blobs: readonly Digest[]; readonly directories: readonly Digest[] };
}

/** PushBlob and PushDirectory. */
export function encodePush(instanceName: string, { uris, digest, references }: Asset): Buffer {
  const writer = new ProtoWriter().string(1, instanceName);
  for (const uri of uris) writer.string(2, uri);
  writeDigest(writer, 5, digest);
  for (const blob of references?.blobs ?? []) writeDigest(writer, 6, blob);
  for (const directory of references?.directories ?? []) writeDigest(writer, 7, directory);
  return writer.finish();
}
