/** Uploads blobs: taken over from another repository, at once, or in pieces that go on where the connection broke. */
import { Readable } from "node:stream";
import { BstError } from "../../base/errors.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { type Answer, urlOf, waitBefore } from "./http.ts";
import type { RegistrySession } from "./session.ts";

/** How a blob came to be there. */
export type UploadOutcome = "present" | "mounted" | "uploaded";

export interface UploadOptions {
  /** Bytes of a piece; smaller blobs are sent at once. Default 5 MB. */
  readonly chunkSize?: number;
  /** Finds a repository of the same registry that has the blob. */
  readonly mountFrom?: () => Promise<string | undefined> | string | undefined;
  /** Called with the bytes that are there. */
  readonly onProgress?: (sent: number) => void;
}

const CHUNK = 5_000_000;
/** What registries answer that take blobs at once only. */
const NO_PIECES = new Set([400, 404, 405, 411, 415, 501]);
/** What they answer that take over nothing, or not from there. */
const NO_MOUNT = [400, 403, 404, 405];
const OCTETS = { "content-type": "application/octet-stream" };

/** The registry takes no pieces. */
class PiecesRefused extends Error {}

/** The upload is gone, and has to begin anew. */
class UploadLost extends Error {}

/**
 * @param open the blob's bytes from their beginning, for each attempt
 * @throws BstError domain remote; nothing is there then
 */
export async function uploadBlob(
  session: RegistrySession,
  descriptor: Descriptor,
  open: () => AsyncIterable<Buffer>,
  isThere: () => Promise<boolean>,
  options: UploadOptions,
): Promise<UploadOutcome> {
  const { http } = session;
  let inPieces = descriptor.size >= (options.chunkSize ?? CHUNK);
  for (let attempt = 0; ; attempt++) {
    try {
      const start = await begin(session, descriptor, attempt === 0 ? await options.mountFrom?.() : undefined);
      if (start === undefined) return "mounted";
      const source = verified(open(), descriptor, "The source");
      if (inPieces) await new PieceUpload(session, descriptor, start, options).run(source);
      else await atOnce(session, descriptor, start.location, source, options);
      return "uploaded";
    } catch (error) {
      // Some take the first piece, and then know nothing of it.
      if (error instanceof PiecesRefused || (error instanceof UploadLost && attempt > 0)) inPieces = false;
      else if (!(error instanceof UploadLost || (error instanceof BstError && error.temporary))) throw error;
      if (attempt >= http.retries) {
        throw error instanceof BstError
          ? error
          : new BstError("remote", `The registry ${session.host} loses uploads`, {
              reason: "registry-failed",
              temporary: true,
            });
      }
    }
    // The last answer may have been what was lost.
    if (await isThere()) return "uploaded";
    await waitBefore(attempt, http);
  }
}

interface Start {
  readonly location: URL;
  /** The smallest piece that the registry takes. */
  readonly smallest: number;
}

/** Undefined where the blob was taken over. */
async function begin(
  session: RegistrySession,
  { digest }: Pick<Descriptor, "digest">,
  mountFrom: string | undefined,
): Promise<Start | undefined> {
  const answer = (await mounted(session, digest, mountFrom)) ?? (await post(session, "", [202]));
  if (answer.status === 201) return undefined;
  const smallest = Number(answer.header("oci-chunk-min-length") ?? 0);
  return { location: await locationOf(session, answer), smallest: Number.isSafeInteger(smallest) ? smallest : 0 };
}

/** Undefined where nothing is taken over from there, and no upload began either. */
async function mounted(
  session: RegistrySession,
  digest: string,
  from: string | undefined,
): Promise<Answer | undefined> {
  if (from === undefined) return undefined;
  session.alsoPull(from);
  try {
    const answer = await post(session, `?${new URLSearchParams({ mount: digest, from })}`, [201, 202, ...NO_MOUNT]);
    return NO_MOUNT.includes(answer.status) ? undefined : answer;
  } catch (error) {
    // Who may push here need not be allowed to read there.
    if (!(error instanceof BstError && error.reason === "registry-denied")) throw error;
    session.pullNoMore(from);
    return undefined;
  }
}

function post(session: RegistrySession, query: string, ok: readonly number[]): Promise<Answer> {
  return session.ask({ method: "POST", at: `blobs/uploads/${query}`, headers: { "content-length": "0" }, ok });
}

async function locationOf(session: RegistrySession, answer: Answer, before?: URL): Promise<URL> {
  const location = answer.header("location");
  if (location === undefined && before !== undefined) return before;
  if (location === undefined) {
    throw new BstError("remote", `The registry ${session.host} does not say where to upload`, {
      reason: "registry-failed",
    });
  }
  return urlOf(location, before ?? (await session.base()));
}

function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  // What the registry put there stays as it is, as it may be signed.
  url.search += `${url.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** Small blobs are read first, so that nothing is sent of one that is wrong. */
async function atOnce(
  session: RegistrySession,
  { digest, size }: Descriptor,
  location: URL,
  source: AsyncIterable<Buffer>,
  { chunkSize = CHUNK, onProgress }: UploadOptions,
): Promise<void> {
  const body = size <= chunkSize ? await collect(source) : Readable.from(source, { objectMode: false });
  const headers = { ...OCTETS, "content-length": String(size) };
  await session.ask({ method: "PUT", at: withDigest(location, digest), headers, body, ok: [201, 204], once: true });
  onProgress?.(size);
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

class PieceUpload {
  readonly #session: RegistrySession;
  readonly #descriptor: Descriptor;
  readonly #options: UploadOptions;
  readonly #pieceSize: number;
  #location: URL;
  /** Bytes that are there. */
  #sent = 0;

  constructor(session: RegistrySession, descriptor: Descriptor, start: Start, options: UploadOptions) {
    this.#session = session;
    this.#descriptor = descriptor;
    this.#options = options;
    this.#location = start.location;
    this.#pieceSize = Math.max(options.chunkSize ?? CHUNK, start.smallest);
  }

  async run(source: AsyncIterable<Buffer>): Promise<void> {
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.min(this.#pieceSize, this.#descriptor.size));
      let used = 0;
      for await (const piece of source) {
        for (let from = 0; from < piece.length; ) {
          const count = piece.copy(buffer, used, from);
          from += count;
          used += count;
          if (used === buffer.length) {
            await this.#send(buffer);
            used = 0;
          }
        }
      }
      if (used > 0) await this.#send(buffer.subarray(0, used));
    } catch (error) {
      await this.#cancel();
      throw error;
    }
    const at = withDigest(this.#location, this.#descriptor.digest);
    const headers = { ...OCTETS, "content-length": "0" };
    await this.#session.ask({ method: "PUT", at, headers, ok: [201, 204], once: true });
  }

  /** Sends a piece; after a failure only what of it is not there. */
  async #send(piece: Buffer): Promise<void> {
    const start = this.#sent;
    const end = start + piece.length;
    const { http } = this.#session;
    for (let failures = 0; this.#sent < end; ) {
      const rest = piece.subarray(this.#sent - start);
      try {
        const answer = await this.#session.ask({
          method: "PATCH",
          at: this.#location,
          headers: {
            ...OCTETS,
            "content-length": String(rest.length),
            "content-range": `${this.#sent}-${end - 1}`,
          },
          body: rest,
          ok: [201, 202, 204, 416, ...(start === 0 ? NO_PIECES : [])],
          once: true,
        });
        if (NO_PIECES.has(answer.status)) throw new PiecesRefused();
        if (answer.status !== 416) {
          this.#location = await locationOf(this.#session, answer, this.#location);
          // Some take less than they are given.
          this.#advance(offsetOf(answer) ?? end, start, end);
          failures = 0;
          continue;
        }
      } catch (error) {
        if (!(error instanceof BstError && error.temporary) || failures >= http.retries) throw error;
      }
      if (failures >= http.retries) throw new UploadLost();
      await waitBefore(failures++, http);
      await this.#ask(start, end);
    }
    this.#options.onProgress?.(this.#sent);
  }

  /** Asks how much is there. */
  async #ask(start: number, end: number): Promise<void> {
    const answer = await this.#session.ask({ method: "GET", at: this.#location, ok: [200, 202, 204, 404] });
    if (answer.status === 404) throw new UploadLost();
    this.#location = await locationOf(this.#session, answer, this.#location);
    this.#advance(offsetOf(answer) ?? 0, start, end);
  }

  #advance(offset: number, start: number, end: number): void {
    // What came before the piece is no longer here.
    if (offset < start || offset > end) throw new UploadLost();
    this.#sent = offset;
  }

  /** So that the registry need not keep what nobody will finish. */
  async #cancel(): Promise<void> {
    try {
      await this.#session.ask({ method: "DELETE", at: this.#location, ok: [200, 202, 204, 404, 405], once: true });
    } catch {
      // It removes abandoned uploads by itself, in time.
    }
  }
}

/** How many bytes are there, by `Range: 0-LAST`; a registry that has none says `0-0`, as with one. */
function offsetOf(answer: Answer): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header("range") ?? "");
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}
