/** Runs the system's git so that neither the user's configuration nor a hostile repository changes what it does. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import { type ProgramResult, type RunningProgram, runProgram, startProgram } from "./run-program.ts";

/** Given before every command. */
const HARDENED: readonly string[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  // Caches may be shared by several users.
  ["safe.directory", "*"],
  // Objects that no ref names are kept: refs of sources are commits.
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["fetch.recurseSubmodules", "false"],
  // A pack appears at once. Loose objects come one by one: another job would find a commit whose files are not there.
  ["fetch.unpackLimit", "1"],
  ["submodule.recurse", "false"],
  ["core.quotePath", "false"],
].flatMap(([key, value]) => ["-c", `${key}=${value}`]);

/** What a URL, also one from .gitmodules, may make git speak: nothing that runs commands. */
const PROTOCOLS = "file:git:http:https:ssh";
/** Of the variables that git reads those that say how servers are reached. */
const TRANSPORT = /^GIT_(SSH|SSL_|HTTP_|PROXY|ASKPASS|CONFIG|ALLOW_PROTOCOL|CURL|TRACE)/;

export interface GitOptions {
  /** The repository: a bare one's folder. Others are named in `env`. */
  readonly repository?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it reaches for servers, by the ways and with the secrets that the user has configured. */
  readonly network?: boolean;
  readonly input?: string | Uint8Array;
  readonly signal: AbortSignal;
}

/** Runs it to its end, whatever its exit status is. */
export async function tryGit(args: readonly string[], options: GitOptions): Promise<ProgramResult> {
  const { cwd, input, signal } = options;
  return runProgram("git", [...HARDENED, ...args], {
    ...(cwd !== undefined && { cwd }),
    ...(input !== undefined && { input }),
    env: environment(options),
    signal,
  });
}

/**
 * @returns what it printed
 * @throws BstError domain source, with `failure` as its message, if it fails
 */
export async function git(
  args: readonly string[],
  { failure, ...options }: GitOptions & { readonly failure: string },
): Promise<Buffer> {
  const result = await tryGit(args, options);
  if (result.code === 0) return result.stdout;
  throw gitError(failure, result, options.network === true);
}

export function gitError(
  failure: string,
  { code, stderr }: Omit<ProgramResult, "stdout">,
  temporary = false,
): BstError {
  return new BstError("source", failure, { detail: stderr.trim() || `git ended with status ${code}`, temporary });
}

export function startGit(args: readonly string[], options: GitOptions): RunningProgram {
  const { cwd, signal } = options;
  return startProgram("git", [...HARDENED, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: environment(options),
    signal,
  });
}

/** For questions of microseconds to a repository on this machine. @returns undefined if it fails */
export function gitSync(args: readonly string[], repository: string, input = ""): Buffer | undefined {
  const result = spawnSync("git", [...HARDENED, ...args], {
    input,
    env: environment({ repository }),
    stdio: ["pipe", "pipe", "ignore"],
    maxBuffer: 1 << 28,
  });
  return result.error === undefined && result.status === 0 ? result.stdout : undefined;
}

function environment({ repository, env, network = false }: Omit<GitOptions, "signal">): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (!name.startsWith("GIT_") || (network && TRANSPORT.test(name)))) result[name] = value;
  }
  result["LC_ALL"] = "C";
  result["GIT_TERMINAL_PROMPT"] = "0";
  result["GIT_ALLOW_PROTOCOL"] ??= PROTOCOLS;
  if (!network) {
    // The first two for versions of git before the third.
    result["HOME"] = "/dev/null";
    result["XDG_CONFIG_HOME"] = "/dev/null";
    result["GIT_CONFIG_GLOBAL"] = "/dev/null";
    result["GIT_CONFIG_NOSYSTEM"] = "1";
    result["GIT_ATTR_NOSYSTEM"] = "1";
  }
  if (repository !== undefined) result["GIT_DIR"] = repository;
  return { ...result, ...env };
}

/** Refuses what git would take for an option. @throws BstError domain source */
export function notOption(value: string, what: string): string {
  if (!value.startsWith("-") && !value.includes("\0")) return value;
  throw new BstError("source", `${what} '${value}' is not one that git can be asked for`);
}

/** Holds a lock for as long as the program runs that it starts. */
const LOCKER = "flock";
let hasLocker: boolean | undefined;

/**
 * Fetches into a repository that other processes may fetch into as well: one waits for the other. The lock is git's as
 * well as ours, so that it holds while any of both lives, and no longer.
 */
export async function gitFetch(
  args: readonly string[],
  options: GitOptions & { readonly repository: string },
): Promise<ProgramResult> {
  const { repository, signal } = options;
  hasLocker ??= spawnSync(LOCKER, ["--version"], { stdio: "ignore" }).error === undefined;
  const command = [...HARDENED, "fetch", "--no-write-fetch-head", ...args];
  const env = environment({ ...options, network: true });
  if (!hasLocker) return runProgram("git", command, { cwd: repository, env, signal });
  const lock = join(repository, "bst-ts.lock");
  const run = () => runProgram(LOCKER, [lock, "git", ...command], { cwd: repository, env, signal });
  const result = await run();
  if (result.code === 0 || !removeStaleLocks(repository, result.stderr)) return result;
  return run();
}

/** Locks of git's own that a killed process left. Nobody holds them: whoever fetches holds ours. */
function removeStaleLocks(repository: string, stderr: string): boolean {
  let removed = false;
  for (const [, path = ""] of stderr.matchAll(/Unable to create '([^']+\.lock)': File exists/g)) {
    if (!path.startsWith(`${fs.realpathSync(repository)}/`)) continue;
    // BuildStream does not know our lock: it is given time.
    const made = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (made > Date.now() - 60_000) continue;
    fs.rmSync(path, { force: true });
    removed = true;
  }
  return removed;
}
