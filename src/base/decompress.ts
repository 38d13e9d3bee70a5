/** Opens a compressed file by what its first bytes say: gzip here, the other kinds through the system's programs. */
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
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), [["zstd", "-dcq", "--long=31"]]],
];
const GZIP = Buffer.from([0x1f, 0x8b]);

/** The content of a file, decompressed. Reading may stop early. Throws {@link DecompressError}. */
export async function* decompressed(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const start = readStart(path);
  if (begins(start, GZIP)) {
    yield* gunzipped(path, signal);
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
