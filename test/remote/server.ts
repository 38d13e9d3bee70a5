/** A server of caches in memory, which misbehaves where a test says so. */
import { createHash } from "node:crypto";
import {
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import type { Digest } from "../../src/cas/digest.ts";
import { readDigest, writeDigest } from "../../src/cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../../src/cas/protobuf.ts";

/** What a test can have the server do instead of what is right; called for each blob or call. */
export interface Faults {
  /** What is sent for a blob. */
  alter?: (digest: Digest, data: Buffer) => Buffer;
  /** Status to answer a method with, by its name; 0 for none. */
  fail?: (method: string) => number;
  /** Bytes after which a stream breaks. */
  breakAfter?: number;
  /** Whether a method is never answered. */
  hang?: (method: string) => boolean;
  /** Status of a blob that is sent to the server. */
  refuse?: (digest: Digest) => number;
}

type Unary = (request: Buffer) => Buffer;

const CAS = "/build.bazel.remote.execution.v2.ContentAddressableStorage";
const ASSET = "/build.bazel.remote.asset.v1";
const identity = (bytes: Buffer): Buffer => bytes;

export class CacheServer {
  readonly blobs = new Map<string, Buffer>();
  readonly assets = new Map<string, Digest>();
  /** Names of methods, in the order of the calls. */
  readonly calls: string[] = [];
  /** Of the last call. */
  authorization: string | undefined;
  faults: Faults = {};
  batchLimit = 1 << 20;
  url = "";
  readonly #server = new Server();

  /** @param port any free one by default */
  async start(credentials = ServerCredentials.createInsecure(), port = 0): Promise<this> {
    this.#unary("/build.bazel.remote.execution.v2.Capabilities", "GetCapabilities", () =>
      new ProtoWriter().message(1, (writer) => writer.int(4, this.batchLimit)).finish(),
    );
    this.#unary(CAS, "FindMissingBlobs", (request) => this.#findMissing(request));
    this.#unary(CAS, "BatchReadBlobs", (request) => this.#batchRead(request));
    this.#unary(CAS, "BatchUpdateBlobs", (request) => this.#batchUpdate(request));
    for (const method of ["FetchBlob", "FetchDirectory"]) {
      this.#unary(`${ASSET}.Fetch`, method, (request) => this.#fetch(request));
    }
    for (const method of ["PushBlob", "PushDirectory"]) {
      this.#unary(`${ASSET}.Push`, method, (request) => this.#push(request));
    }
    this.#add("/google.bytestream.ByteStream", "Read", false, true, (call: ServerWritableStream<Buffer, Buffer>) =>
      this.#read(call),
    );
    this.#add(
      "/google.bytestream.ByteStream",
      "Write",
      true,
      false,
      (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => this.#write(call, done),
    );
    const bound = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    this.url = `${credentials._isSecure() ? "https" : "http"}://localhost:${bound}`;
    return this;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  put(data: Buffer): Digest {
    const hash = createHash("sha256").update(data).digest("hex");
    this.blobs.set(hash, data);
    return { hash, size: data.length };
  }

  #unary(service: string, method: string, answer: Unary): void {
    this.#add(service, method, false, false, (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      this.authorization = call.metadata.get("authorization")[0]?.toString();
      if (!this.#begins(method, done)) return;
      try {
        done(null, answer(call.request));
      } catch (error) {
        done(error instanceof StatusError ? { code: error.code, details: error.message } : (error as Error));
      }
    });
  }

  /** Whether a call is to be answered as it should be. */
  #begins(method: string, done: (error: { code: number; details: string }) => void): boolean {
    this.calls.push(method);
    if (this.faults.hang?.(method)) return false;
    const code = this.faults.fail?.(method) ?? 0;
    if (code !== 0) done({ code, details: "as the test wants it" });
    return code === 0;
  }

  #add(service: string, method: string, requestStream: boolean, responseStream: boolean, handler: UntypedHandleCall) {
    const path = `${service}/${method}`;
    const definition = {
      path,
      requestStream,
      responseStream,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    this.#server.addService({ [method]: definition }, { [method]: handler });
  }

  #findMissing(request: Buffer): Buffer {
    const writer = new ProtoWriter();
    for (const digest of digestsOf(request)) if (!this.blobs.has(digest.hash)) writeDigest(writer, 2, digest);
    return writer.finish();
  }

  #batchRead(request: Buffer): Buffer {
    const writer = new ProtoWriter();
    for (const digest of digestsOf(request)) {
      const data = this.blobs.get(digest.hash);
      writer.message(1, () => {
        writeDigest(writer, 1, digest);
        if (data === undefined) writer.message(3, () => writer.int(1, status.NOT_FOUND));
        else writer.bytes(2, this.faults.alter?.(digest, data) ?? data);
      });
    }
    return writer.finish();
  }

  #batchUpdate(request: Buffer): Buffer {
    const reader = new ProtoReader(request);
    const writer = new ProtoWriter();
    while (reader.next()) {
      if (reader.field !== 2) {
        reader.skip();
        continue;
      }
      const blob = reader.message();
      let digest: Digest | undefined;
      let data = Buffer.alloc(0);
      while (blob.next()) {
        if (blob.field === 1) digest = readDigest(blob.message());
        else if (blob.field === 2) data = Buffer.from(blob.bytes());
        else blob.skip();
      }
      if (digest === undefined) continue;
      const known = digest;
      const code = this.faults.refuse?.(known) ?? 0;
      if (code === 0) this.put(data);
      writer.message(1, () => {
        writeDigest(writer, 1, known);
        writer.message(2, () => writer.int(1, code));
      });
    }
    return writer.finish();
  }

  #fetch(request: Buffer): Buffer {
    const [uris] = stringsOf(request, 4);
    if (uris.length === 0) throw new StatusError(status.INVALID_ARGUMENT, "no URI");
    const digest = uris.map((uri) => this.assets.get(uri)).find((each) => each !== undefined);
    if (digest === undefined) throw new StatusError(status.NOT_FOUND, "unknown");
    const writer = new ProtoWriter();
    writeDigest(writer, 5, digest);
    return writer.finish();
  }

  #push(request: Buffer): Buffer {
    const [uris, digest] = stringsOf(request, 2);
    if (uris.length === 0 || digest === undefined) throw new StatusError(status.INVALID_ARGUMENT, "no URI");
    for (const uri of uris) this.assets.set(uri, digest);
    return Buffer.alloc(0);
  }

  #read(call: ServerWritableStream<Buffer, Buffer>): void {
    if (!this.#begins("Read", (error) => call.emit("error", error))) return;
    const [, hash = ""] = /blobs\/([0-9a-f]+)\//.exec(resourceOf(call.request)) ?? [];
    const stored = this.blobs.get(hash);
    if (stored === undefined) {
      call.emit("error", { code: status.NOT_FOUND, details: "unknown" });
      return;
    }
    const data = this.faults.alter?.({ hash, size: stored.length }, stored) ?? stored;
    const { breakAfter = Number.POSITIVE_INFINITY } = this.faults;
    for (let sent = 0; sent < data.length; sent += 1 << 16) {
      if (sent >= breakAfter) {
        call.emit("error", { code: status.UNAVAILABLE, details: "gone" });
        return;
      }
      call.write(new ProtoWriter().bytes(10, data.subarray(sent, sent + (1 << 16))).finish());
    }
    call.end();
  }

  #write(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    if (!this.#begins("Write", done)) return;
    const pieces: Buffer[] = [];
    call.on("data", (message: Buffer) => {
      const reader = new ProtoReader(message);
      while (reader.next()) {
        if (reader.field === 10) pieces.push(Buffer.from(reader.bytes()));
        else reader.skip();
      }
    });
    call.on("end", () => {
      const data = Buffer.concat(pieces);
      const digest = this.put(data);
      const code = this.faults.refuse?.(digest) ?? 0;
      if (code === 0) done(null, new ProtoWriter().int(1, data.length).finish());
      else done({ code, details: "refused" });
    });
  }
}

class StatusError extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

function digestsOf(request: Buffer): Digest[] {
  const reader = new ProtoReader(request);
  const digests: Digest[] = [];
  while (reader.next()) {
    if (reader.field === 2) digests.push(readDigest(reader.message()));
    else reader.skip();
  }
  return digests;
}

function stringsOf(request: Buffer, field: number): [strings: string[], digest: Digest | undefined] {
  const reader = new ProtoReader(request);
  const strings: string[] = [];
  let digest: Digest | undefined;
  while (reader.next()) {
    if (reader.field === field) strings.push(reader.string());
    else if (reader.field === 5) digest = readDigest(reader.message());
    else reader.skip();
  }
  return [strings, digest];
}

function resourceOf(request: Buffer): string {
  const reader = new ProtoReader(request);
  let name = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else reader.skip();
  }
  return name;
}
