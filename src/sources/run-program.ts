/** Runs a program of the machine to its end: git, patch and others that a source kind works with. */
import { spawn } from "node:child_process";
import { BstError, systemErrorCode } from "../base/errors.ts";

export interface RunProgramOptions {
  readonly cwd: string;
  /** The whole environment; by default that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the program reads; without it, nothing. */
  readonly input?: string | Uint8Array;
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  /** Exit status; null where a signal ended the program. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Resolves whatever the exit status is.
 * @throws BstError domain prog-not-found, where there is no such program
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env, input, signal }: RunProgramOptions,
): Promise<ProgramResult> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const stop = () => child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A program may end without having read everything; its exit status says whether that was right.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    child.once("error", (cause) => {
      signal.removeEventListener("abort", stop);
      const missing = systemErrorCode(cause) === "ENOENT";
      reject(missing ? new BstError("prog-not-found", `The program '${command}' is not installed`, { cause }) : cause);
    });
    child.once("close", (code) => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(signal.reason);
      else resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
}
