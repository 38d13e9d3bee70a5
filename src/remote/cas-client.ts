/** The content-addressed storage of a server: which blobs it has, and getting them there and back. */
import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import type { Digest } from "../cas/digest.ts";
import { type Connection, RpcError } from "./connection.ts";
import {
  type BlobResult,
  BYTE_STREAM,
  CAPABILITIES,
  CAS,
  decodeBatchLimit,
  decodeBlobResults,
  decodeMissing,
  decodeRead,
  decodeWritten,
  encodeBatchUpdate,
  encodeDigests,
  encodeInstance,
  encodeRead,
  encodeWrite,
} from "./messages.ts";

/** Bytes of blobs in one message: gRPC takes 4 MiB, of which something is needed for what is around them. */
const BATCH_SIZE = 3 << 20;
/** Blobs in one message: what is said of each has less than 100 bytes. */
const BATCH_COUNT = 4000;
/** Bytes of a blob in one message of a stream. */
const CHUNK_SIZE = 256 << 10;
/** Calls at a time, of all jobs together: each may hold a batch in memory. */
const PARALLEL_CALLS = 8;

export class CasClient {
  readonly #connection: Connection;
  readonly #limit = pLimit(PARALLEL_CALLS);
  #batchSize = BATCH_SIZE;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get url(): string {
    return this.#connection.url;
  }

  /** Bytes that blobs of one batch may have together. */
  get batchSize(): number {
    return this.#batchSize;
  }

  /** Asks what the server can do. @throws RpcError */
  async connect(signal: AbortSignal): Promise<void> {
    const request = encodeInstance(this.#connection.instanceName);
    const limit = decodeBatchLimit(await this.#connection.probe(CAPABILITIES, request, signal));
    if (limit !== undefined) this.#batchSize = Math.min(BATCH_SIZE, limit);
  }

  /** Those that the server does not have. @throws RpcError */
  async findMissing(digests: readonly Digest[], signal: AbortSignal): Promise<Digest[]> {
    const groups: Digest[][] = [];
    for (let i = 0; i < digests.length; i += BATCH_COUNT) groups.push(digests.slice(i, i + BATCH_COUNT));
    const missing = await this.#each(groups, async (group) => {
      const request = encodeDigests(this.#connection.instanceName, group);
      return decodeMissing(await this.#connection.unary(`${CAS}/FindMissingBlobs`, request, signal));
    });
    return missing.flat();
  }

  /** Blobs that fit into one message together. @throws RpcError */
  readBatch(digests: readonly Digest[], signal: AbortSignal): Promise<BlobResult[]> {
    return this.#limit(async () => {
      const request = encodeDigests(this.#connection.instanceName, digests);
      return decodeBlobResults(await this.#connection.unary(`${CAS}/BatchReadBlobs`, request, signal), 3);
    });
  }

  /**
   * Sends blobs that fit into one message together.
   * @param blobs reads them, when it is their turn
   * @throws RpcError
   */
  updateBatch(
    blobs: () => readonly { readonly digest: Digest; readonly data: Buffer }[],
    signal: AbortSignal,
  ): Promise<BlobResult[]> {
    return this.#limit(async () => {
      signal.throwIfAborted();
      const request = encodeBatchUpdate(this.#connection.instanceName, blobs());
      return decodeBlobResults(await this.#connection.unary(`${CAS}/BatchUpdateBlobs`, request, signal), 2);
    });
  }

  /** A blob of any size, piece by piece, given to `consume`, which is called again where the server was lost. */
  read<T>(digest: Digest, signal: AbortSignal, consume: (pieces: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
    const request = encodeRead(this.#resource(`blobs/${digest.hash}/${digest.size}`));
    const connection = this.#connection;
    async function* pieces() {
      for await (const message of connection.download(`${BYTE_STREAM}/Read`, request, signal))
        yield decodeRead(message);
    }
    return this.#limit(() => connection.retry(signal, () => consume(pieces())));
  }

  /**
   * Sends a blob of any size.
   * @param open gives the blob's bytes; called again where the server was lost
   * @throws RpcError
   */
  write(digest: Digest, open: () => AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const resource = () => this.#resource(`uploads/${randomUUID()}/blobs/${digest.hash}/${digest.size}`);
    return this.#limit(() =>
      this.#connection.retry(signal, async () => {
        const requests = writeRequests(resource(), digest.size, open());
        const written = decodeWritten(await this.#connection.upload(`${BYTE_STREAM}/Write`, requests, signal));
        // -1 is what some servers say of a blob that they had already.
        if (written !== digest.size && written !== -1) {
          throw new RpcError("DATA_LOSS", `The server took ${written} of ${digest.size} bytes of ${digest.hash}`);
        }
      }),
    );
  }

  #each<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
    return Promise.all(items.map((item) => this.#limit(() => action(item))));
  }

  #resource(path: string): string {
    const { instanceName } = this.#connection;
    return instanceName === "" ? path : `${instanceName}/${path}`;
  }
}

async function* writeRequests(resource: string, size: number, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let offset = 0;
  let name = resource;
  for await (const piece of pieces) {
    for (let start = 0; start < piece.length; start += CHUNK_SIZE) {
      const data = piece.subarray(start, start + CHUNK_SIZE);
      yield encodeWrite(name, offset, data, offset + data.length === size);
      offset += data.length;
      // Only the first message needs it.
      name = "";
    }
  }
}
