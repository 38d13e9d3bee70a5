/** Transfers between the store and a server that does not always behave. */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { RemoteConfig } from "../../src/project/remotes.ts";
import { CasClient } from "../../src/remote/cas-client.ts";
import { Connection, RpcError } from "../../src/remote/connection.ts";
import { BlobNotFound, blobsOfTree, downloadBlobs, downloadTree, uploadBlobs } from "../../src/remote/transfer.ts";
import { tempDir } from "../helpers.ts";
import { CacheServer } from "./server.ts";

const LARGE = 3 << 20;

let server: CacheServer;
let connection: Connection;
let client: CasClient;
let cas: Cas;
const never = new AbortController().signal;

beforeEach(async () => {
  server = await new CacheServer().start();
  await connect();
  cas = new Cas(tempDir("cas"));
});

afterEach(() => {
  connection.close();
  server.stop();
});

async function connect(settings: Partial<RemoteConfig> = {}): Promise<void> {
  connection = await Connection.open({
    url: server.url,
    type: "all",
    push: true,
    connection: { retryDelay: 1 },
    provenance: "test",
    ...settings,
  });
  client = new CasClient(connection);
  await client.connect(never);
}

function put(text: string | Buffer): Digest {
  return server.put(Buffer.from(text));
}

/** Everything in the store, temporary files as well. */
function stored(): string[] {
  try {
    return readdirSync(cas.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}

async function failing(promise: Promise<unknown>): Promise<BstError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof BstError)) throw new Error(`expected a BstError, and not ${error}`);
  return error;
}

describe("a download", () => {
  it("gets small blobs in batches and large ones in pieces, and only what is missing", async () => {
    const known = cas.write("known");
    const large = put(randomBytes(LARGE));
    const small = ["a", "b", "c"].map(put);
    await downloadBlobs(cas, client, [known, large, ...small, ...small, digestOf("")], never);
    for (const digest of [large, ...small, digestOf("")]) expect(cas.has(digest)).toBe(true);
    expect(server.calls.filter((call) => call.includes("Read")).sort()).toEqual(["BatchReadBlobs", "Read"]);
  });

  it("keeps batches below the server's limit", async () => {
    server.batchLimit = 1000;
    await connect();
    const blobs = Array.from({ length: 20 }, (_, i) => put(`${i}`.repeat(100)));
    await downloadBlobs(cas, client, blobs, never);
    expect(blobs.every((digest) => cas.has(digest))).toBe(true);
    expect(server.calls.filter((call) => call === "BatchReadBlobs").length).toBeGreaterThan(4);
  });

  it.each([
    ["other bytes", 10],
    ["other bytes of a large blob", LARGE],
  ])("refuses %s", async (_, size) => {
    const digest = put(randomBytes(size));
    server.faults.alter = (_, data) => Buffer.from(data.map((byte) => byte ^ 1));
    const error = await failing(downloadBlobs(cas, client, [digest], never));
    expect(error.domain).toBe("cas");
    expect(error.message).toContain(digest.hash);
    expect(stored()).toEqual([]);
  });

  it.each([
    ["fewer bytes", 10],
    ["fewer bytes of a large blob", LARGE],
  ])("refuses %s", async (_, size) => {
    const digest = put(randomBytes(size));
    server.faults.alter = (_, data) => data.subarray(0, data.length - 1);
    expect((await failing(downloadBlobs(cas, client, [digest], never))).domain).toBe("cas");
    expect(stored()).toEqual([]);
  });

  it.each([
    ["small", 10],
    ["large", LARGE],
  ])("names a %s blob that the server does not have", async (_, size) => {
    const digest = digestOf(randomBytes(size));
    const error = await failing(downloadBlobs(cas, client, [digest], never));
    expect(error).toBeInstanceOf(BlobNotFound);
    expect(error.message).toContain(digest.hash);
  });

  it("begins again where the server was lost in the middle", async () => {
    const digest = put(randomBytes(LARGE));
    let reads = 0;
    server.faults.breakAfter = 1 << 20;
    server.faults.fail = (method) => {
      if (method === "Read" && ++reads === 2) delete server.faults.breakAfter;
      return 0;
    };
    await downloadBlobs(cas, client, [digest], never);
    expect(reads).toBe(2);
    expect(cas.has(digest)).toBe(true);
  });

  it("gives up where the server is lost each time, and leaves nothing", async () => {
    const digest = put(randomBytes(LARGE));
    server.faults.breakAfter = 1 << 20;
    await connect({ connection: { retryDelay: 1, retryLimit: 2 } });
    const error = await failing(downloadBlobs(cas, client, [digest], never));
    expect(error).toBeInstanceOf(RpcError);
    expect(error.temporary).toBe(true);
    expect(server.calls.filter((call) => call === "Read")).toHaveLength(3);
    expect(stored()).toEqual([]);
  });

  it("gives up where nothing comes", async () => {
    await connect({ connection: { requestTimeout: 1, retryDelay: 1 } });
    server.faults.hang = (method) => method.includes("Read");
    for (const size of [10, LARGE]) {
      const error = await failing(downloadBlobs(cas, client, [put(randomBytes(size))], never));
      expect(error).toMatchObject({ domain: "remote", status: "DEADLINE_EXCEEDED" });
    }
    expect(stored()).toEqual([]);
  });

  it("ends at once when it is aborted", async () => {
    const abort = new AbortController();
    server.faults.hang = (method) => {
      if (method.includes("Read")) setImmediate(() => abort.abort(new Error("enough")));
      return true;
    };
    const blobs = [put("small"), put(randomBytes(LARGE))];
    await expect(downloadBlobs(cas, client, blobs, abort.signal)).rejects.toThrow("enough");
    expect(stored()).toEqual([]);
  });
});

describe("a server", () => {
  it("that does not answer at first is given up soon", async () => {
    server.faults.hang = () => true;
    const error = await failing(connect({ connection: { requestTimeout: 1 } }));
    expect(error).toMatchObject({ domain: "remote", status: "DEADLINE_EXCEEDED" });
  });

  it.each(["ftp://localhost", "localhost:1", "http://"])("is not at '%s'", async (url) => {
    expect((await failing(connect({ url }))).domain).toBe("remote");
  });

  it("does not end a download that ends here", async () => {
    const digest = put(randomBytes(LARGE));
    const consume = async (pieces: AsyncIterable<Buffer>) => {
      for await (const _ of pieces) throw new Error("full");
    };
    await expect(client.read(digest, never, consume)).rejects.toThrow("full");
    // Whatever comes afterwards is not an error that nobody handles.
    await downloadBlobs(cas, client, [digest], never);
    expect(cas.has(digest)).toBe(true);
  });
});

describe("a tree", () => {
  function tree(store: Cas, text: string): Digest {
    const root = new Tree(store);
    for (const folder of ["usr/bin", "usr/share/doc", "etc"]) {
      const directory = root.openDirectory(folder, { create: true });
      directory.addFile("file", store.write(`${folder} ${text}`), { executable: false });
      directory.addFile("same", store.write("same"), { executable: true });
    }
    return root.digest();
  }

  it("comes back as it was sent", async () => {
    const digest = tree(cas, "1");
    await uploadBlobs(cas, client, blobsOfTree(cas, digest), never);
    const other = new Cas(tempDir("cas"));
    await downloadTree(other, client, digest, never);
    expect(other.hasTree(digest)).toBe(true);
    expect(blobsOfTree(other, digest)).toEqual(blobsOfTree(cas, digest));
  });

  it("is only sent where it differs", async () => {
    await uploadBlobs(cas, client, blobsOfTree(cas, tree(cas, "1")), never);
    const before = server.blobs.size;
    const root = new Tree(cas, tree(cas, "1"));
    root.openDirectory("etc").addFile("new", cas.write("new"), { executable: false });
    server.calls.length = 0;
    await uploadBlobs(cas, client, blobsOfTree(cas, root.digest()), never);
    // The file, the folder and the root.
    expect(server.blobs.size).toBe(before + 3);
    expect(server.calls).toEqual(["FindMissingBlobs", "BatchUpdateBlobs"]);
  });

  it("is refused where a directory is no directory", async () => {
    const digest = put("neither a file nor a directory");
    expect((await failing(downloadTree(cas, client, digest, never))).domain).toBe("cas");
  });
});

describe("an upload", () => {
  it.each([
    ["small", 10],
    ["large", LARGE],
  ])("says that there is no space left for a %s blob", async (_, size) => {
    server.faults.refuse = () => status.RESOURCE_EXHAUSTED;
    const error = await failing(uploadBlobs(cas, client, [cas.write(randomBytes(size))], never));
    expect(error).toMatchObject({ domain: "cas", reason: "cache-too-full" });
  });

  it("sends a large blob again where the server was lost", async () => {
    const digest = cas.write(randomBytes(LARGE));
    let writes = 0;
    server.faults.fail = (method) => (method === "Write" && ++writes === 1 ? status.UNAVAILABLE : 0);
    await uploadBlobs(cas, client, [digest], never);
    expect(writes).toBe(2);
    expect(server.blobs.get(digest.hash)?.equals(cas.read(digest))).toBe(true);
  });

  it("is refused for good where the server may not be written to", async () => {
    server.faults.fail = (method) => (method === "BatchUpdateBlobs" ? status.PERMISSION_DENIED : 0);
    const error = await failing(uploadBlobs(cas, client, [cas.write("a")], never));
    expect(error).toMatchObject({ domain: "remote", status: "PERMISSION_DENIED", temporary: false });
    expect(server.calls.filter((call) => call === "BatchUpdateBlobs")).toHaveLength(1);
  });
});
