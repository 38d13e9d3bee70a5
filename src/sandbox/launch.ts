/** Starts what sets up a sandbox, and ends only when no process of it is left. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import fs from "node:fs";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
import { systemErrorCode } from "../base/errors.ts";
import { TOOL_PATH } from "./host.ts";

/** A file descriptor, a stream, or this process's own. */
export type SandboxOutput = number | Writable | "inherit" | "ignore";

export interface SandboxIo {
  readonly stdout: SandboxOutput;
  readonly stderr: SandboxOutput;
  readonly stdin?: "inherit" | "ignore";
  /** Whether the command may use the terminal and take signals from it, as shells do. */
  readonly interactive?: boolean;
}

export interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly io: SandboxIo;
  /** Told the number of the first process. */
  readonly onStart?: ((pid: number) => void) | undefined;
  /** Whether the first process waits for all others to be gone; where it can't, the one that bubblewrap reports is watched. */
  readonly outlivesAll: boolean;
}

/** How long a killed process may take before the next attempt, in milliseconds. */
const KILL_AGAIN_AFTER = 20;

/**
 * A shell takes the terminal for a process group of its own, and cannot give it back where it does not see the group
 * that had it. One outside can, whose job it then is.
 */
const TAKE_TERMINAL_BACK = ["sh", "-mc", '"$@"; exit "$?"', "sh"];

/**
 * Runs a set-up to its end and returns what it wrote to descriptor 3. When the signal is aborted all its processes are
 * killed, and the signal's reason is thrown once they are gone.
 */
export async function launch(
  { argv, cwd, io, onStart, outlivesAll }: Launch,
  signal: AbortSignal | undefined,
): Promise<string> {
  signal?.throwIfAborted();
  const hasTerminal = io.interactive === true && isatty(0);
  const [program = "", ...args] = hasTerminal ? [...TAKE_TERMINAL_BACK, ...argv] : argv;
  const stdio: StdioOptions = [io.stdin ?? "ignore", target(io.stdout), target(io.stderr), "pipe"];
  const child = spawn(program, args, { cwd, env: { PATH: TOOL_PATH }, stdio, detached: io.interactive !== true });
  if (child.pid !== undefined) onStart?.(child.pid);
  forward(child.stdout, io.stdout);
  forward(child.stderr, io.stderr);
  let report = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => {
    report += chunk.toString();
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
  const victims = (): number[] => {
    const pid = hasTerminal ? childrenOf(child.pid)[0] : child.pid;
    if (pid === undefined) return [];
    if (!outlivesAll && io.interactive !== true) return [-pid];
    const started = outlivesAll ? childrenOf(pid) : [...childrenOf(pid), ...watched(report)];
    return started.length > 0 ? started : [pid];
  };
  const kill = () => killUntil(victims, ended);
  signal?.addEventListener("abort", kill, { once: true });
  // Aborted between the first look and now.
  if (signal?.aborted === true) kill();
  try {
    await ended;
  } finally {
    signal?.removeEventListener("abort", kill);
  }
  if (!outlivesAll) for (const pid of watched(report)) await gone(pid);
  signal?.throwIfAborted();
  return report;
}

function target(output: SandboxOutput): number | "inherit" | "ignore" | "pipe" {
  return output instanceof Writable ? "pipe" : output;
}

function forward(from: ChildProcess["stdout"], to: SandboxOutput): void {
  if (to instanceof Writable) from?.pipe(to, { end: false });
}

/**
 * Kills the processes that the first one started, not itself: it ends when they are gone, and nobody else would tell. If
 * it has not started any it is killed itself. Where it would not wait for them its whole group is killed, as bubblewrap
 * leaves a process behind if it is killed while it sets up.
 */
function killUntil(victims: () => readonly number[], ended: Promise<void>): void {
  const attempt = () => {
    for (const pid of victims()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (systemErrorCode(error) !== "ESRCH") throw error;
      }
    }
  };
  attempt();
  const timer = setInterval(attempt, KILL_AGAIN_AFTER);
  const stop = () => clearInterval(timer);
  ended.then(stop, stop);
}

/** The first process in bubblewrap's namespace, once it has said so. */
function watched(report: string): number[] {
  const pid = /"child-pid": (\d+)/.exec(report)?.[1];
  return pid === undefined ? [] : [Number(pid)];
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The first process of a PID namespace is gone, or a zombie, only when all others of the namespace are gone. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
      if (stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z")) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
