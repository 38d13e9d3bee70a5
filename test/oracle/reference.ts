/** Commands of the reference, run by copies of a process that has it loaded: one for each file of tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { type RunOptions, type RunResult, readError, surroundings } from "../helpers.ts";
import { python } from "./python.ts";

class ReferenceProcess {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(code: number): void; reject(error: Error): void }>();
  #last = 0;

  constructor() {
    this.#process = spawn(python, [join(import.meta.dirname, "reference.py")], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.on("close", (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`reference.py ended: ${signal ?? code}`));
    });
    if (this.#process.stdout === null) throw new Error("there is no pipe");
    createInterface(this.#process.stdout).on("line", (line) => {
      const { id, code }: { id: number; code: number } = JSON.parse(line);
      this.#waiting.get(id)?.resolve(code);
      this.#waiting.delete(id);
    });
  }

  /** @returns exit status, or the negative number of the signal that ended it */
  run(command: object): Promise<number> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  end(): void {
    this.#process.stdin?.end();
  }
}

let running: ReferenceProcess | undefined;

afterAll(() => {
  running?.end();
  running = undefined;
});

/** Runs BuildStream as `runCli` runs bst-ts. */
export async function runReference(
  words: readonly string[],
  options: Omit<RunOptions, "onStart" | "stdin"> = {},
): Promise<RunResult> {
  running ??= new ReferenceProcess();
  const { home, errorFile, args, cwd, env, timeoutMs } = surroundings(words, options);
  const [stdout, stderr] = [join(home, "stdout"), join(home, "stderr")];
  const code = await running.run({ args, cwd, env, stdout, stderr, timeout: timeoutMs / 1000 });
  return {
    code: code < 0 ? null : code,
    stdout: readFileSync(stdout, "utf8"),
    stderr: readFileSync(stderr, "utf8"),
    error: readError(errorFile),
  };
}
