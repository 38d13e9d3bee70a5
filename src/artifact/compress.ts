/** Compresses what is written to an archive: gzip here, the other kinds through the system's programs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { createGzip } from "node:zlib";
import { BstError } from "../base/errors.ts";

export type Compression = "gz" | "xz" | "bz2";

/** With the same output on every machine, whatever it has of processors. */
const PROGRAMS: Readonly<Record<Exclude<Compression, "gz">, readonly [program: string, ...args: string[]]>> = {
  xz: ["xz", "-T2", "-c"],
  bz2: ["bzip2", "-c"],
};

interface Compressor {
  readonly input: Writable;
  readonly output: Readable;
  /** Rejects with what went wrong. */
  readonly ended: Promise<void>;
  stop(): void;
}

/**
 * The compressed form of chunks, each of which is asked for when the one before it was used up.
 * @throws BstError in domain "prog-not-found" where there is no program to do it
 */
export async function* compressed(chunks: Iterable<Uint8Array>, compression: Compression): AsyncGenerator<Uint8Array> {
  const { input, output, ended, stop } = compression === "gz" ? gzip() : program(...PROGRAMS[compression]);
  const fed = feed(input, chunks).catch((error) => {
    stop();
    throw error;
  });
  const failure = Promise.all([fed, ended]);
  failure.catch(() => {}); // Nobody asks where reading stops early.
  try {
    yield* output;
    await failure;
  } catch (error) {
    await failure; // Has the reason of what is an early end here.
    throw error;
  } finally {
    stop();
  }
}

/** Rejects with what the chunks throw; why a compressor takes no more of them is for that to say. */
async function feed(input: Writable, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) {
    const error = await new Promise<unknown>((resolve) => input.write(chunk, resolve));
    if (error) return;
  }
  input.end();
}

function gzip(): Compressor {
  const stream = createGzip({ chunkSize: 1 << 17 });
  return { input: stream, output: stream, ended: once(stream, "end").then(() => {}), stop: () => stream.destroy() };
}

function program(name: string, ...args: string[]): Compressor {
  const child = spawn(name, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  // Why it reads no more, the exit status says.
  child.stdin.on("error", () => {});
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (cause) => {
      reject(new BstError("prog-not-found", `The program ${name} cannot be run: ${cause.message}`, { cause }));
    });
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new BstError("stream", `${name} failed: ${complaint.trim() || `exit status ${code}`}`));
    });
  });
  return { input: child.stdin, output: child.stdout, ended, stop: () => child.kill("SIGKILL") };
}
