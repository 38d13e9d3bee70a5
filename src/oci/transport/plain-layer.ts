/** The tar archive in a layer, decompressed as it comes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { DecompressError, unzstdHere } from "../../base/decompress.ts";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { TarError } from "../../base/tar-fields.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { type GrowthLimits, limited, mostBytes } from "../growth.ts";
import { invalidImage } from "../json.ts";
import { compressionOf } from "../manifest.ts";

const CHUNK = 1 << 18;
/** Bytes that have to be kept to decompress; what `zstd -d` allows by itself, and twice what its highest level takes. */
const MAX_WINDOW = 2 ** 27;
/** What frames of zstd begin with, as numbers; of those that hold no data, without the last four bits. */
const ZSTD_FRAME = 0xfd2fb528;
const SKIPPABLE_FRAME = 0x184d2a5;
/** Bytes of a frame up to its window. */
const ZSTD_HEADER = 6;

/**
 * The archive in a layer, whose bytes are verified meanwhile. Throws {@link DecompressError}.
 * @param open the layer's bytes from their beginning; what they throw is passed on
 * @param place where they come from, for messages
 * @throws BstError domain element, for what is no layer; domain remote, where the bytes are others than described
 */
export function plainLayer(
  open: () => AsyncIterable<Buffer>,
  descriptor: Descriptor,
  { place, signal, limits }: { place: string; signal: AbortSignal; limits?: GrowthLimits | undefined },
): AsyncGenerator<Buffer> {
  const { digest, mediaType, size } = descriptor;
  const compression = compressionOf(descriptor);
  if (compression === undefined)
    throw invalidImage(`The layer ${digest} of ${place} is of an unknown kind: ${mediaType}`);
  const source = verified(open(), descriptor, place);
  const plain =
    compression === "gzip"
      ? gunzipped(source, signal)
      : compression === "zstd"
        ? unzstd(zstdOnly(source), signal)
        : source;
  return limited(plain, mostBytes(size, limits));
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

/** The program would read gzip, too, which other readers of such a layer do not. */
async function* zstdOnly(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of source) {
    if (start === undefined) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < ZSTD_HEADER) continue;
    requireZstd(start);
    yield start;
    start = undefined;
  }
  if (start === undefined) return;
  if (start.length < 4) throw new DecompressError("it is no valid zstd data: it is too short");
  requireZstd(Buffer.concat([start, Buffer.alloc(ZSTD_HEADER)]));
  yield start;
}

/** The program looks at the windows of all frames, the library at none. */
function requireZstd(start: Buffer): void {
  const magic = start.readUInt32LE();
  if (magic >>> 4 === SKIPPABLE_FRAME) return;
  if (magic !== ZSTD_FRAME) throw new DecompressError("it is no valid zstd data");
  const flags = start.readUInt8(4);
  const window = start.readUInt8(5);
  // Single segments, which say how long they are in its place, are no larger than what they hold.
  if ((flags & 0x20) === 0 && 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8) > MAX_WINDOW) throw tooWide();
}

function tooWide(): DecompressError {
  return new DecompressError(`it takes more than ${MAX_WINDOW} bytes of memory to be decompressed`);
}

/** By the program, which is several times faster than the library; this Node.js knows no zstd. */
async function* unzstd(source: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const child = spawn("zstd", ["-dcq", `--memory=${MAX_WINDOW}`], { stdio: ["pipe", "pipe", "pipe"] });
  try {
    await once(child, "spawn");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    yield* unzstdHere(source, signal);
    return;
  }
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
    if (/too much memory/.test(complaint)) throw tooWide();
    if (code !== 0)
      throw new DecompressError(`it is no valid zstd data: ${complaint.trim().replace(/^.*?\\\s*:\s*/, "")}`);
  } finally {
    child.kill("SIGKILL");
    input.destroy();
    await fed;
  }
}

/**
 * What is to be said of a layer that can't be used. What is damaged differs from its digest, which is the better message.
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
  return invalidImage(`The layer ${descriptor.digest} of ${place} can't be used: ${error.message}`);
}
