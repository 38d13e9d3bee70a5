/** Uploads blobs: taken over from another repository, at once, or in pieces, where an earlier upload ended. */
import { Readable } from "node:stream";
import { BstError } from "../../base/errors.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { type BegunUpload, recordInMemory, type UploadRecord } from "./begun-uploads.ts";
import type { Answer } from "./http.ts";
import { waitBefore } from "./pauses.ts";
import { isInterruption, OCTETS, PiecesRefused, PieceUpload, type StandingUpload, UploadLost } from "./piece-upload.ts";
import type { RegistrySession } from "./session.ts";
import { locationOf, offsetOf, withDigest } from "./upload-location.ts";

/** How a blob came to be there. */
export type UploadOutcome = "present" | "mounted" | "uploaded";

export interface UploadOptions {
  /** Bytes of a piece; smaller blobs are sent at once. Default 5 MB. */
  readonly chunkSize?: number;
  /** Finds a repository of the same registry that has the blob. */
  readonly mountFrom?: () => Promise<string | undefined> | string | undefined;
  /** Of earlier uploads of the blob to this repository. */
  readonly record?: UploadRecord;
}

const CHUNK = 5_000_000;
/** What registries answer that take over nothing, or not from there. */
const NO_MOUNT = [400, 403, 404, 405];

/**
 * @param open the blob's bytes from their beginning, for each attempt
 * @throws BstError domain remote; no blob is there then
 */
export async function uploadBlob(
  session: RegistrySession,
  descriptor: Descriptor,
  open: () => AsyncIterable<Buffer>,
  isThere: () => Promise<boolean>,
  { chunkSize = CHUNK, mountFrom, record = recordInMemory() }: UploadOptions,
): Promise<UploadOutcome> {
  const { http } = session;
  let inPieces = descriptor.size >= chunkSize;
  let lost = 0;
  for (let attempt = 0; ; attempt++) {
    const standing = inPieces ? await standingUpload(session, descriptor, record) : undefined;
    try {
      const begun = standing ?? (await begin(session, descriptor, attempt === 0 ? await mountFrom?.() : undefined));
      if (begun === undefined) return "mounted";
      const source = verified(open(), descriptor, "The source");
      if (inPieces) {
        const upload = standing ?? { ...begun, sent: 0 };
        await new PieceUpload(session, descriptor, upload, { chunkSize, record }).run(source);
      } else await atOnce(session, descriptor, begun.location, source, chunkSize);
      record.forget();
      return "uploaded";
    } catch (error) {
      if (!isInterruption(error, session)) record.forget();
      if (error instanceof PiecesRefused) inPieces = false;
      else if (error instanceof UploadLost) {
        // Some take the first piece, and then know nothing of it.
        if (standing === undefined && lost++ > 0) inPieces = false;
      } else if (!(error instanceof BstError && (error.temporary || isOfEarlier(error, standing)))) throw error;
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
    if (await isThere()) {
      record.forget();
      return "uploaded";
    }
    await waitBefore(attempt, http);
  }
}

/** Whether the fault may be that of what somebody else began to send. */
function isOfEarlier(error: BstError, standing: StandingUpload | undefined): boolean {
  return standing !== undefined && error.domain === "remote" && error.reason !== "registry-wrong-content";
}

/** An upload that the registry still knows. */
async function standingUpload(
  session: RegistrySession,
  { size }: Descriptor,
  record: UploadRecord,
): Promise<StandingUpload | undefined> {
  const begun = record.find();
  if (begun === undefined) return undefined;
  try {
    const answer = await session.ask({ method: "GET", at: begun.location, ok: [200, 202, 204] });
    const sent = offsetOf(answer) ?? 0;
    if (sent === 0 || sent > size) return undefined;
    return { ...begun, location: await locationOf(session, answer, begun.location), sent };
  } catch (error) {
    if (error instanceof BstError) return undefined;
    throw error;
  }
}

/** Undefined where the blob was taken over. */
async function begin(
  session: RegistrySession,
  { digest }: Pick<Descriptor, "digest">,
  mountFrom: string | undefined,
): Promise<BegunUpload | undefined> {
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

/** Small blobs are read first, so that nothing is sent of one that is wrong. */
async function atOnce(
  session: RegistrySession,
  { digest, size }: Descriptor,
  location: URL,
  source: AsyncIterable<Buffer>,
  chunkSize: number,
): Promise<void> {
  const body = size <= chunkSize ? await collect(source) : Readable.from(source, { objectMode: false });
  const headers = { ...OCTETS, "content-length": String(size) };
  await session.ask({ method: "PUT", at: withDigest(location, digest), headers, body, ok: [201, 204], once: true });
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
