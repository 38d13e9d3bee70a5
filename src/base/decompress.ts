/** Opens a compressed file by what its first bytes say: gzip here, the other kinds by programs, zstd here without one. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { systemErrorCode } from "./errors.ts";

const CHUNK = 1 << 18;

/** The file can't be decompressed: it is damaged, or the program that could is missing. */
export class DecompressError extends Error {
  override readonly name = "DecompressError";
}

/** Beginnings of files, and the programs that can read them, the preferred first. */
const FORMATS: readonly (readonly [magic: Buffer, programs: readonly (readonly string[])[]])[] = [
  [Buffer.from("BZh"), [["bzip2", "-dc"]]],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), [["xz", "-dc"]]],
  [Buffer.from([0x5d, 0x00, 0x00]), [["xz", "-dc", "--format=lzma"]]],
  [
    Buffer.from("LZIP"),
    [
      ["lzip", "-dc"],
      ["xz", "-dc", "--format=lzip"],
    ],
  ],
];
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const ZSTD_PROGRAM = ["zstd", "-dcq", "--long=31"];
/** Of what is compressed, at a time: four bytes can stand for 128 KiB, and all of that is held. */
const ZSTD_CHUNK = 1 << 12;

/** The content of a file, decompressed. Reading may stop early. Throws {@link DecompressError}. */
export async function* decompressed(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const start = readStart(path);
  if (begins(start, GZIP)) {
    yield* gunzipped(path, signal);
    return;
  }
  if (begins(start, ZSTD)) {
    yield* unzstd(path, signal);
    return;
  }
  const programs = FORMATS.find(([magic]) => begins(start, magic))?.[1];
  if (programs === undefined) yield* fs.createReadStream(path, { highWaterMark: CHUNK });
  else yield* filtered(path, programs, signal);
}

function readStart(path: string): Buffer {
  const start = Buffer.alloc(8);
  const file = fs.openSync(path, "r");
  try {
    return start.subarray(0, fs.readSync(file, start));
  } finally {
    fs.closeSync(file);
  }
}

function begins(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic);
}

async function* gunzipped(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const source = fs.createReadStream(path, { highWaterMark: CHUNK });
  // What goes wrong shows in the reading below.
  const done = pipeline(source, gunzip, signal === undefined ? {} : { signal }).catch(() => {});
  try {
    yield* gunzip;
  } catch (error) {
    signal?.throwIfAborted();
    throw new DecompressError(`it is no valid gzip data: ${error instanceof Error ? error.message : error}`);
  } finally {
    gunzip.destroy();
    source.destroy();
    await done;
  }
}

/** The program is several times faster than the library. */
async function* unzstd(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const [program = "", ...args] = ZSTD_PROGRAM;
  try {
    yield* run(path, program, args, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    yield* unzstdHere(fs.createReadStream(path, { highWaterMark: CHUNK }), signal);
  }
}

/** Without a program. Throws {@link DecompressError}. */
export async function* unzstdHere(source: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const { Decompress } = await import("fzstd");
  const ready: Buffer[] = [];
  const stream = new Decompress(({ buffer, byteOffset, length }) =>
    ready.push(Buffer.from(buffer, byteOffset, length)),
  );
  const push = (piece: Uint8Array, last: boolean) => {
    try {
      stream.push(piece, last);
    } catch (error) {
      throw new DecompressError(`it is no valid zstd data: ${error instanceof Error ? error.message : error}`);
    }
    return ready.splice(0);
  };
  for await (const piece of source) {
    for (let at = 0; at < piece.length; at += ZSTD_CHUNK) {
      signal?.throwIfAborted();
      // A copy, as the library keeps what it can't read yet.
      yield* push(Uint8Array.from(piece.subarray(at, at + ZSTD_CHUNK)), false);
    }
  }
  yield* push(new Uint8Array(0), true);
}

async function* filtered(
  path: string,
  programs: readonly (readonly string[])[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  for (const [program = "", ...args] of programs) {
    try {
      yield* run(path, program, args, signal);
      return;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  throw new DecompressError(`none of these programs is installed: ${programs.map(([program]) => program).join(", ")}`);
}

async function* run(
  path: string,
  program: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const input = fs.openSync(path, "r");
  const child = spawn(program, args, { stdio: [input, "pipe", "pipe"] });
  fs.closeSync(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // Awaited below; until then a failed start is nobody's to handle.
  ended.catch(() => {});
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (child.stdout !== null) yield* child.stdout;
    const code = await ended;
    signal?.throwIfAborted();
    if (code !== 0) throw new DecompressError(`${program} failed: ${complaint.trim() || `exit status ${code}`}`);
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}
