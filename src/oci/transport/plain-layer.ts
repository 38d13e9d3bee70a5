/** The tar archive in a layer, decompressed as it comes. */
import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { DecompressError } from "../../base/decompress.ts";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { TarError } from "../../base/tar-fields.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { invalidImage } from "../json.ts";
import type { compressionOf } from "../manifest.ts";

const CHUNK = 1 << 18;

/** What the source throws is passed on. Throws {@link DecompressError}. */
export function plainLayer(
  source: AsyncIterable<Buffer>,
  compression: NonNullable<ReturnType<typeof compressionOf>>,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  if (compression === "gzip") return gunzipped(source, signal);
  return compression === "zstd" ? unzstd(source, signal) : source;
}

async function* gunzipped(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK });
  // What goes wrong shows in the reading below.
  const done = pipeline(input, gunzip, { signal }).catch(() => {});
  try {
    yield* gunzip;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BstError || !systemErrorCode(error)?.startsWith("Z_")) throw error;
    throw new DecompressError(`it is no valid gzip data: ${error instanceof Error ? error.message : error}`);
  } finally {
    gunzip.destroy();
    input.destroy();
    await done;
  }
}

/** By the program: this Node.js knows no zstd. */
async function* unzstd(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const child = spawn("zstd", ["-dcq", "--long=31"], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  ended.catch(() => {});
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  let failure: unknown;
  const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK });
  const fed = pipeline(input, child.stdin, { signal }).catch((error) => {
    // It closes its input when it has seen enough of what is wrong.
    if (systemErrorCode(error) !== "EPIPE") failure = error;
  });
  try {
    yield* child.stdout;
    const code = await ended;
    await fed;
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    if (code !== 0) throw new DecompressError(`it is no valid zstd data: ${complaint.trim()}`);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") throw new DecompressError("the program zstd is not installed");
    throw error;
  } finally {
    child.kill("SIGKILL");
    input.destroy();
    await fed;
  }
}

/**
 * What is to be said of a layer that can't be read. What is damaged differs from its digest, which is the better message.
 * @param open the layer's bytes from their beginning
 * @throws BstError domain remote, where these are others than described
 */
export async function unreadable(
  error: unknown,
  open: () => AsyncIterable<Buffer>,
  descriptor: Descriptor,
  place: string,
): Promise<unknown> {
  if (!(error instanceof TarError || error instanceof DecompressError)) return error;
  for await (const _ of verified(open(), descriptor, place));
  return invalidImage(`The layer ${descriptor.digest} can't be read: ${error.message}`);
}
