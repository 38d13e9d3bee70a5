/** A server of the store for clients that nobody trusts: what it takes, what it refuses, and what is left of it. */

import { createHash, randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { encodeDirectory, writeDigest } from "../../src/cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../../src/cas/protobuf.ts";
import { Cas } from "../../src/cas/store.ts";
import { CasClient } from "../../src/remote/cas-client.ts";
import { Connection } from "../../src/remote/connection.ts";
import { encodeBatchUpdate, encodeDigests, encodeRead, encodeWrite } from "../../src/remote/messages.ts";
import { serveCache } from "../../src/remote/server/server.ts";
import { downloadBlobs, uploadBlobs } from "../../src/remote/transfer.ts";
import { tempDir } from "../helpers.ts";

const REAPI = "/build.bazel.remote.execution.v2";
const STREAM = "/google.bytestream.ByteStream";
const never = new AbortController().signal;
setMaxListeners(0, never);

let folder: string;
let socket: string;
let cas: Cas;
let server: AsyncDisposable;
const connections: Connection[] = [];

beforeEach(async () => {
  folder = tempDir("served");
  socket = join(folder, "socket");
  cas = new Cas(join(folder, "cas"));
  server = await serveCache(socket, { cas, actionCache: join(folder, "actioncache"), allowsUpdates: true });
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await server[Symbol.asyncDispose]();
});

async function connect(path = socket): Promise<Connection> {
  const config = { url: `unix:${path}`, type: "all", push: true, provenance: "test" } as const;
  const connection = await Connection.open({ ...config, connection: { retryLimit: 0, requestTimeout: 20 } });
  connections.push(connection);
  return connection;
}

async function statusOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => "OK",
    (error: { status?: unknown }) => error.status ?? error,
  );
}

async function collect(messages: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

function temporaryFiles(): string[] {
  return fs.existsSync(cas.temporaryDirectory) ? fs.readdirSync(cas.temporaryDirectory) : [];
}

function actionRequest(action: Digest, result?: Buffer): Buffer {
  const writer = new ProtoWriter();
  writeDigest(writer, 2, action);
  if (result !== undefined) writer.bytes(3, result);
  return writer.finish();
}

it("takes and gives blobs of any size by this program's own client", async () => {
  const client = new CasClient(await connect());
  await client.connect(never);
  const theirs = new Cas(join(folder, "theirs"));
  const digests = [0, 1, 1000, 3 << 20, 9 << 20].map((size) => theirs.write(randomBytes(size)));
  await uploadBlobs(theirs, client, digests, never);
  expect(await client.findMissing([...digests, digestOf("unknown")], never)).toEqual([digestOf("unknown")]);
  const back = new Cas(join(folder, "back"));
  await downloadBlobs(back, client, digests, never);
  for (const digest of digests) expect(back.read(digest).equals(theirs.read(digest))).toBe(true);
});

it("keeps nothing that is not what its name says", async () => {
  const connection = await connect();
  const wrong = digestOf("wanted");
  await connection.unary(
    `${REAPI}.ContentAddressableStorage/BatchUpdateBlobs`,
    encodeBatchUpdate("", [{ digest: wrong, data: Buffer.from("gotten") }]),
    never,
  );
  for (const data of ["gotten", "want", "wanted and more"]) {
    async function* messages() {
      yield encodeWrite(`uploads/x/blobs/${wrong.hash}/${wrong.size}`, 0, Buffer.from(data), true);
    }
    expect(await statusOf(connection.upload(`${STREAM}/Write`, messages(), never))).toBe("INVALID_ARGUMENT");
  }
  expect(cas.has(wrong)).toBe(false);
  expect(temporaryFiles()).toEqual([]);
  expect(fs.readdirSync(folder).sort()).toEqual(["cas", "socket"]);
});

it("never leads outside of the store", async () => {
  const connection = await connect();
  fs.writeFileSync(join(folder, "secret"), "secret");
  const hashes = ["../../../secret", "../secret", "A".repeat(64), `${"a".repeat(63)}/`, "", "a".repeat(65), "%2e%2e"];
  for (const hash of hashes) {
    const names = [`blobs/${hash}/6`, `blobs/aa/../../${hash}/6`, `${hash}/6`];
    for (const name of names) {
      const answer = collect(connection.download(`${STREAM}/Read`, encodeRead(name), never));
      expect(await statusOf(answer), name).toBe("INVALID_ARGUMENT");
    }
    const digest = { hash, size: 6 };
    for (const method of ["FindMissingBlobs", "BatchReadBlobs"]) {
      const answer = connection.unary(
        `${REAPI}.ContentAddressableStorage/${method}`,
        encodeDigests("", [digest]),
        never,
      );
      expect(await statusOf(answer)).toBe("INVALID_ARGUMENT");
    }
    for (const [method, result] of [["GetActionResult"], ["UpdateActionResult", Buffer.from("x")]] as const) {
      const answer = connection.unary(`${REAPI}.ActionCache/${method}`, actionRequest(digest, result), never);
      expect(await statusOf(answer)).toBe("INVALID_ARGUMENT");
    }
  }
  expect(fs.readdirSync(folder).sort()).toEqual(["secret", "socket"]);
});

it("gives each directory of a tree once, however often it is named, and however deep it is", async () => {
  let digest = cas.write(encodeDirectory({ files: [], directories: [], symlinks: [] }));
  for (let depth = 0; depth < 3000; depth++) {
    const directories = ["a", "b"].map((name) => ({ name, digest }));
    digest = cas.writeDirectory({ files: [], directories, symlinks: [] });
  }
  const connection = await connect();
  const request = encodeDigests("", [digest]);
  const pages = await collect(connection.download(`${REAPI}.ContentAddressableStorage/GetTree`, request, never));
  const found = pages.flatMap((page) => {
    const directories: string[] = [];
    const reader = new ProtoReader(page);
    while (reader.next()) {
      if (reader.field === 1) directories.push(digestOf(reader.bytes()).hash);
      else reader.skip();
    }
    return directories;
  });
  expect(found.length).toBe(3001);
  expect(new Set(found).size).toBe(3001);
  expect(pages.length).toBeGreaterThan(2);
  const action = digestOf("deep");
  const result = new ProtoWriter().message(3, (writer) => writeDigest(writer, 5, digest)).finish();
  await connection.unary(`${REAPI}.ActionCache/UpdateActionResult`, actionRequest(action, result), never);
  const get = () => connection.unary(`${REAPI}.ActionCache/GetActionResult`, actionRequest(action), never);
  expect(await get()).toEqual(result);
  fs.rmSync(cas.objectPath(digestOf("")), { force: true });
  expect(await statusOf(get())).toBe("OK");
  fs.rmSync(cas.objectPath(digest));
  expect(await statusOf(get())).toBe("NOT_FOUND");
});

it("takes a result that was replaced by one of the same size", async () => {
  const connection = await connect();
  const action = digestOf("action");
  for (const text of ["one", "two"]) {
    const result = new ProtoWriter().bytes(5, Buffer.from(text)).finish();
    await connection.unary(`${REAPI}.ActionCache/UpdateActionResult`, actionRequest(action, result), never);
    const got = await connection.unary(`${REAPI}.ActionCache/GetActionResult`, actionRequest(action), never);
    expect(got).toEqual(result);
  }
  const file = join(folder, "actioncache/objects", action.hash.slice(0, 2), action.hash.slice(2));
  fs.writeFileSync(file, "damaged \xff\xff");
  const damaged = connection.unary(`${REAPI}.ActionCache/GetActionResult`, actionRequest(action), never);
  expect(await statusOf(damaged)).toBe("NOT_FOUND");
});

it("runs no actions, and has no other instance", async () => {
  const connection = await connect();
  const call = (method: string, request: Buffer = Buffer.alloc(0)) =>
    statusOf(connection.unary(REAPI + method, request, never));
  expect(await call(".Execution/Execute")).toBe("UNIMPLEMENTED");
  expect(await call(".ContentAddressableStorage/SplitBlob")).toBe("UNIMPLEMENTED");
  expect(await call(".Capabilities/GetCapabilities")).toBe("OK");
  for (const method of [".Capabilities/GetCapabilities", ".ContentAddressableStorage/FindMissingBlobs"]) {
    expect(await call(method, new ProtoWriter().string(1, "other").finish())).toBe("INVALID_ARGUMENT");
  }
});

it("outlives what is no message", async () => {
  const garbage = [
    "GET / HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno frame at all",
    randomBytes(5000).toString("latin1"),
    "PRI",
  ];
  for (const bytes of garbage) {
    await new Promise<void>((resolve) => {
      const client = net.connect(socket, () =>
        client.write(bytes, "latin1", () => setTimeout(() => client.destroy(), 20)),
      );
      client.on("error", () => {});
      client.on("close", () => resolve());
    });
  }
  const connection = await connect();
  const call = (method: string, request: Buffer) => statusOf(connection.unary(REAPI + method, request, never));
  for (const request of [randomBytes(1000), Buffer.from([0x12, 200]), gzipSync(Buffer.alloc(1000))]) {
    expect(await call(".ContentAddressableStorage/BatchUpdateBlobs", request)).toBe("INVALID_ARGUMENT");
  }
  const large = new ProtoWriter().bytes(9, Buffer.alloc(5 << 20)).finish();
  expect(await call(".ContentAddressableStorage/FindMissingBlobs", large)).toBe("RESOURCE_EXHAUSTED");
  expect(await call(".ContentAddressableStorage/FindMissingBlobs", Buffer.alloc(0))).toBe("OK");
});

it("lets calls wait while others take their time, and ends all of them with itself", async () => {
  const data = randomBytes(100_000);
  const digest = digestOf(data);
  const ending = new AbortController();
  async function* endless() {
    yield encodeWrite(`uploads/x/blobs/${digest.hash}/${digest.size}`, 0, data.subarray(0, 1000), false);
    await sleep(60_000, undefined, { signal: ending.signal }).catch(() => {});
  }
  const uploads: Promise<unknown>[] = [];
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect()));
  for (const connection of clients) {
    for (let i = 0; i < 8; i++) uploads.push(statusOf(connection.upload(`${STREAM}/Write`, endless(), never)));
  }
  while (temporaryFiles().length < 32) await sleep(10);
  const other = await connect();
  const request = encodeDigests("", [digest]);
  const waiting = other.unary(`${REAPI}.ContentAddressableStorage/FindMissingBlobs`, request, never);
  expect(await Promise.race([statusOf(waiting), sleep(300, "waits")])).toBe("waits");
  clients[0]?.close();
  ending.abort();
  expect(await statusOf(waiting)).toBe("OK");
  await server[Symbol.asyncDispose]();
  expect(temporaryFiles()).toEqual([]);
  expect(fs.existsSync(socket)).toBe(false);
  for (const status of await Promise.all(uploads)) expect(status).not.toBe("OK");
});

it("listens at paths that are longer than those of sockets", async () => {
  const long = join(folder, "a".repeat(200));
  fs.mkdirSync(long);
  await using _ = await serveCache(join(long, "socket"), { cas, actionCache: folder, allowsUpdates: false });
  fs.symlinkSync(join(long, "socket"), join(folder, "short"));
  const client = new CasClient(await connect(join(folder, "short")));
  expect(await client.findMissing([digestOf("x")], never)).toEqual([digestOf("x")]);
  expect(fs.statSync(join(long, "socket")).mode & 0o777).toBe(0o755);
});

it("streams, and holds no blob in memory", async () => {
  const piece = randomBytes(1 << 20);
  const count = 120;
  const hash = createHash("sha256");
  for (let i = 0; i < count; i++) hash.update(piece);
  const digest = { hash: hash.digest("hex"), size: count << 20 };
  const client = new CasClient(await connect());
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }, 5);
  async function* pieces() {
    for (let i = 0; i < count; i++) yield piece;
  }
  await client.write(digest, pieces, never);
  const size = await client.read(digest, never, async (received) => {
    let total = 0;
    for await (const { length } of received) total += length;
    return total;
  });
  clearInterval(watch);
  expect(size).toBe(digest.size);
  // Of both sides, since both are in this process.
  expect(most).toBeLessThan(60 << 20);
});
