/** An upload in pieces, which goes on where the connection broke. */
import { BstError } from "../../base/errors.ts";
import type { Descriptor } from "../descriptor.ts";
import type { BegunUpload, UploadRecord } from "./begun-uploads.ts";
import type { Answer } from "./http.ts";
import { waitBefore } from "./pauses.ts";
import type { RegistrySession } from "./session.ts";
import { locationOf, offsetOf, withDigest } from "./upload-location.ts";

/** What registries answer that take blobs at once only. */
const NO_PIECES = new Set([400, 404, 405, 411, 415, 501]);
export const OCTETS = { "content-type": "application/octet-stream" };

/** The registry takes no pieces. */
export class PiecesRefused extends Error {}

/** The upload is gone, and has to begin anew. */
export class UploadLost extends Error {}

/** An upload of which the registry has some bytes. */
export interface StandingUpload extends BegunUpload {
  readonly sent: number;
}

export interface PieceOptions {
  /** Bytes of a piece, unless the registry wants larger ones. */
  readonly chunkSize: number;
  /** Told where the upload is, so that another can go on with it. */
  readonly record: UploadRecord;
}

export class PieceUpload {
  readonly #session: RegistrySession;
  readonly #descriptor: Descriptor;
  readonly #record: UploadRecord;
  readonly #smallest: number;
  readonly #pieceSize: number;
  #location: URL;
  /** Bytes that are there. */
  #sent: number;

  constructor(session: RegistrySession, descriptor: Descriptor, upload: StandingUpload, options: PieceOptions) {
    this.#session = session;
    this.#descriptor = descriptor;
    this.#record = options.record;
    this.#smallest = upload.smallest;
    this.#pieceSize = Math.max(options.chunkSize, upload.smallest);
    this.#location = upload.location;
    this.#sent = upload.sent;
  }

  /** @param source the blob from its beginning; what is there already is not sent */
  async run(source: AsyncIterable<Buffer>): Promise<void> {
    try {
      await this.#sendAll(source);
    } catch (error) {
      if (!isInterruption(error, this.#session)) await this.#cancel();
      throw error;
    }
    const at = withDigest(this.#location, this.#descriptor.digest);
    const headers = { ...OCTETS, "content-length": "0" };
    await this.#session.ask({ method: "PUT", at, headers, ok: [201, 204], once: true });
  }

  async #sendAll(source: AsyncIterable<Buffer>): Promise<void> {
    this.#record.keep({ location: this.#location, smallest: this.#smallest });
    const buffer = Buffer.allocUnsafeSlow(Math.min(this.#pieceSize, this.#descriptor.size));
    let used = 0;
    let there = this.#sent;
    for await (const piece of source) {
      const skipped = Math.min(there, piece.length);
      there -= skipped;
      for (let from = skipped; from < piece.length; ) {
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
          await this.#moveTo(answer);
          const before = this.#sent;
          // Some take less than they are given.
          this.#advance(offsetOf(answer) ?? end, start, end);
          if (this.#sent > before) {
            failures = 0;
            continue;
          }
        }
      } catch (error) {
        if (!(error instanceof BstError && error.temporary) || failures >= http.retries) throw error;
      }
      if (failures >= http.retries) throw new UploadLost();
      await waitBefore(failures++, http);
      await this.#ask(start, end);
    }
  }

  /** Asks how much is there. */
  async #ask(start: number, end: number): Promise<void> {
    const answer = await this.#session.ask({ method: "GET", at: this.#location, ok: [200, 202, 204, 404] });
    if (answer.status === 404) throw new UploadLost();
    await this.#moveTo(answer);
    this.#advance(offsetOf(answer) ?? 0, start, end);
  }

  async #moveTo(answer: Answer): Promise<void> {
    const location = await locationOf(this.#session, answer, this.#location);
    if (location.href === this.#location.href) return;
    this.#location = location;
    this.#record.keep({ location, smallest: this.#smallest });
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

/** Whether the upload can go on later where it was. */
export function isInterruption(error: unknown, { http }: RegistrySession): boolean {
  return http.signal.aborted || (error instanceof BstError && error.temporary);
}
