/** Runs programs of the machine for source kinds, never through a shell; an aborted one ends with all that it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { BstError, systemErrorCode } from "../base/errors.ts";

export interface ProgramOptions {
  readonly cwd?: string;
  /** The whole environment; default this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  /** Exit status; 128 or more where a signal ended it. */
  readonly code: number;
  readonly stdout: Buffer;
  /** The last part of it, where it is long. */
  readonly stderr: string;
}

/** A program that is still running. */
export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Its end, when its output was read. Rejects with the signal's reason when that was aborted. */
  readonly ended: Promise<Omit<ProgramResult, "stdout">>;
  /** Ends it with all that it started. */
  kill(): void;
}

/** Of what a program complains: enough to see why it failed. */
const MOST_STDERR = 1 << 16;

/**
 * Runs a program to its end, whatever its exit status is.
 * @throws BstError domain prog-not-found, where there is no such program; the signal's reason, where that was aborted
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions & { readonly input?: string | Uint8Array },
): Promise<ProgramResult> {
  const { input = "", ...rest } = options;
  const program = startProgram(command, args, rest);
  const chunks: Buffer[] = [];
  program.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  program.stdin.end(input);
  return { ...(await program.ended), stdout: Buffer.concat(chunks) };
}

/** Starts a program whose output is read, and whose input is written, while it runs. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions): RunningProgram {
  const { cwd, env = process.env, signal } = options;
  signal.throwIfAborted();
  // In a group of its own, so that helpers that it starts can be ended with it.
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  // A program that ends early need not have read everything; its exit status says whether that is a fault.
  child.stdin.on("error", () => {});
  const kill = () => killGroup(child);
  signal.addEventListener("abort", kill, { once: true });
  const ended = end(child, command, signal).finally(() => signal.removeEventListener("abort", kill));
  // Whoever reads the output first hears of a failure later.
  ended.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, ended, kill };
}

async function end(child: ChildProcess, command: string, signal: AbortSignal): Promise<Omit<ProgramResult, "stdout">> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-MOST_STDERR);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(systemErrorCode(error) === "ENOENT" ? notFound(command, error) : error));
    child.once("close", (status, name) => resolve(status ?? 128 + (constants.signals[name ?? "SIGKILL"] ?? 0)));
  });
  signal.throwIfAborted();
  return { code, stderr };
}

function notFound(command: string, cause: unknown): BstError {
  return new BstError("prog-not-found", `The program '${command}' is not installed, or not in PATH`, { cause });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}
