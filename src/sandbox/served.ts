/**
 * A command of a sandbox that this program carries out from outside while its caller waits. In the sandbox it is a shell
 * script that needs no other program: it leaves what it reads in a file, tells a pipe with a name, and reads another.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { type Caller, findCaller } from "./caller.ts";
import { TOOL_PATH } from "./host.ts";
import { ownDirectory } from "./workspace.ts";

/** Where the sandbox has it: among what is never part of its files. */
export const SERVED = "/dev/bst-ts";

/** How many calls may wait at the same time. */
const PREPARED = 8;
/** Bytes of what a call reads. */
const MOST_INPUT = 16 << 20;
/** How long to wait where a pipe takes no more, in milliseconds. */
const WRITE_AGAIN_AFTER = 20;

/** What is asked: who asks, and what it read. */
export interface Question extends Caller {
  readonly input: string;
  /** Aborted where nothing waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** `{ echo > file; read < file; }` is all that a shell needs; each call has files of its own, which none uses again. */
function script(name: string, shell: string): string {
  return `#!${shell}
# Carried out by bst-ts, from outside of this sandbox.
set -Cf
[ $# -eq 0 ] || { echo ${quote(`${name} takes no arguments`)} >&2; exit 2; }
call=1
until (: > ${SERVED}/input.$call) 2>/dev/null; do
  [ -p ${SERVED}/answer.$call ] || { echo ${quote(`${name} is not served any more`)} >&2; exit 1; }
  call=$((call + 1))
done
{
  printf '%s\\n' $$ "$(pwd -P)"
  while IFS= read -r line; do printf '%s\\n' "$line"; done
  printf '%s' "$line"
} >| ${SERVED}/input.$call
printf '%s\\n' $call > ${SERVED}/calls
while IFS= read -r line; do
  case $line in
    '>'*) printf '%s\\n' "\${line#>}" >&2 ;;
    *) exit "$line" ;;
  esac
done < ${SERVED}/answer.$call
exit 1
`;
}

/** It must be ended, or disposed of, before its folder is removed. */
export class ServedCommand implements AsyncDisposable {
  readonly #name: string;
  readonly #folder: string;
  readonly #answer: (question: Question) => Promise<void>;
  readonly #calls: Socket;
  readonly #pipes: number[] = [];
  readonly #over = new AbortController();
  /** One after the other: they look at the same files. */
  #work: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #first: number | undefined;
  #prepared = 0;

  private constructor(name: string, folder: string, answer: (question: Question) => Promise<void>, calls: number) {
    this.#name = name;
    this.#folder = folder;
    this.#answer = answer;
    this.#calls = new Socket({ fd: calls, readable: true, writable: false });
    let said = "";
    this.#calls.on("data", (chunk: Buffer) => {
      const lines = (said + chunk.toString("latin1")).split("\n");
      said = lines.pop() ?? "";
      for (const line of lines) this.#work = this.#work.then(() => this.#serve(line));
    });
  }

  /**
   * @param shell its absolute path in the sandbox
   * @param folder what is mounted at {@link SERVED}; made here
   * @param answer does what the command is for; a BstError fails the command, and is told there
   */
  static async open(
    name: string,
    shell: string,
    folder: string,
    answer: (question: Question) => Promise<void>,
  ): Promise<ServedCommand> {
    ownDirectory(folder);
    fs.writeFileSync(`${folder}/${name}`, script(name, shell));
    fs.chmodSync(`${folder}/${name}`, 0o755);
    await makePipes(folder, ["calls"]);
    const served = new ServedCommand(name, folder, answer, openPipe(`${folder}/calls`));
    await served.#prepare(PREPARED);
    return served;
  }

  /** Tells the first process that was started for the sandbox: callers are among those that it started. */
  startedAt(pid: number): void {
    this.#first = pid;
  }

  /** To be called when nothing of the sandbox runs any more. @throws what kept an answer from being given */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error("nothing waits for the answer any more"));
    this.#calls.destroy();
    await this.#work;
    for (const pipe of this.#pipes.splice(0)) fs.closeSync(pipe);
  }

  async #prepare(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, i) => this.#prepared + 1 + i);
    await makePipes(
      this.#folder,
      numbers.map((number) => `answer.${number}`),
    );
    this.#prepared += count;
  }

  /** Never rejects. */
  async #serve(line: string): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted || !/^[1-9]\d{0,8}$/.test(line)) return;
    try {
      // Open until the sandbox is gone, so that no answer is lost.
      const pipe = openPipe(`${this.#folder}/answer.${line}`);
      this.#pipes.push(pipe);
      await writeAll(pipe, await this.#carryOut(line, signal), signal);
      await this.#prepare(1);
    } catch (error) {
      if (!signal.aborted) this.#failure ??= { error };
    }
  }

  /** @returns the lines that the script reads: what it says, each after a `>`, and its exit status */
  async #carryOut(call: string, signal: AbortSignal): Promise<string> {
    try {
      const [inner = "", directory = "", ...lines] = readInput(`${this.#folder}/input.${call}`).split("\n");
      const caller = findCaller(this.#first, Number(inner), { mounted: this.#folder, at: SERVED }, directory);
      using _ = caller;
      await this.#answer({ ...caller, input: lines.join("\n"), signal });
      return "0\n";
    } catch (error) {
      // What is not the caller's to know ends the build.
      if (!(error instanceof BstError) && !signal.aborted) this.#failure ??= { error };
      const { message, detail } = error instanceof BstError ? error : { message: "it failed", detail: undefined };
      const said = `${this.#name}: ${message}${detail === undefined ? "" : `\n${detail}`}`;
      return `${said.replaceAll(/^/gm, ">")}\n1\n`;
    }
  }
}

async function makePipes(folder: string, names: readonly string[]): Promise<void> {
  await promisify(execFile)("mkfifo", ["-m", "600", "--", ...names], { cwd: folder, env: { PATH: TOOL_PATH } });
}

/** Opened for both ways, it neither waits for others nor ends with them. A sandbox may have put anything in its place. */
function openPipe(path: string): number {
  const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  const descriptor = fs.openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
  if (fs.fstatSync(descriptor).isFIFO()) return descriptor;
  fs.closeSync(descriptor);
  throw new BstError("sandbox", "A command of the sandbox removed what it is answered by");
}

/** Where nobody reads, it ends with the sandbox. */
async function writeAll(pipe: number, text: string, signal: AbortSignal): Promise<void> {
  let rest = Buffer.from(text);
  while (rest.length > 0 && !signal.aborted) {
    try {
      rest = rest.subarray(fs.writeSync(pipe, rest));
    } catch (error) {
      if (systemErrorCode(error) !== "EAGAIN") throw error;
      await setTimeout(WRITE_AGAIN_AFTER);
    }
  }
}

function readInput(path: string): string {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  const descriptor = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const stat = fs.fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MOST_INPUT) throw new BstError("sandbox", "What it was given can't be read");
    return fs.readFileSync(descriptor, "utf8");
  } finally {
    fs.closeSync(descriptor);
  }
}
