/** What tests of the whole program need: projects written to temporary folders, and the built command run in them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { stringify } from "yaml";

const root = dirname(import.meta.dirname);

const { BST_TS, BST_TS_KEEP } = process.env;

/** The command under test: `$BST_TS`, words separated by spaces, or else the bundle in dist/. */
export const bstTs: readonly string[] = BST_TS?.split(" ") ?? [process.execPath, join(root, "dist/bst-ts.js")];

/** What a failing command writes to `$BST_TS_ERROR_FILE`. */
export interface ErrorRecord {
  readonly domain: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly detail?: string | null;
  readonly task?: { readonly domain: string; readonly reason: string | null } | null;
  readonly unhandled?: boolean;
}

export interface RunResult {
  /** Exit status, or null where a signal ended the command. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: ErrorRecord | undefined;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to the environment; undefined removes a variable. */
  readonly env?: Record<string, string | undefined>;
  /** Path of the user configuration; by default one with a cache folder of its own for each `cwd`. */
  readonly config?: string;
  readonly stdin?: string;
  /** After this many milliseconds the command and what it started are killed. */
  readonly timeoutMs?: number;
  /** Called with the running process, for tests that send signals. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** A file's text or bytes, or an executable, or a symbolic link. */
export type FileContent = string | Uint8Array | { readonly executable: string } | { readonly symlink: string };

let scratch: string | undefined;
const configs = new Map<string, string>();

afterAll(() => {
  if (scratch === undefined || BST_TS_KEEP !== undefined) return;
  // Checkouts and sandboxes may leave folders that their owner cannot write to, unless that is root.
  if (process.getuid?.() !== 0) spawnSync("chmod", ["-R", "u+rwx", scratch], { stdio: "ignore" });
  rmSync(scratch, { recursive: true, force: true });
  scratch = undefined;
});

/** A new folder, removed when the test file has run unless `$BST_TS_KEEP` is set. */
export function tempDir(prefix = "t"): string {
  scratch ??= mkdtempSync(join(tmpdir(), "bst-ts-test-"));
  return mkdtempSync(join(scratch, `${prefix}-`));
}

/** Writes files below `dir`, making folders as needed; a path that ends in `/` is an empty folder. */
export function writeFiles(dir: string, files: Readonly<Record<string, FileContent>>): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(dir, path);
    mkdirSync(path.endsWith("/") ? full : dirname(full), { recursive: true });
    if (path.endsWith("/")) continue;
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(full, content);
    else if ("symlink" in content) symlinkSync(content.symlink, full);
    else {
      writeFileSync(full, content.executable);
      chmodSync(full, 0o755);
    }
  }
}

/** A new project folder with these files; without a `project.conf` among them it gets a minimal one. */
export function project(files: Readonly<Record<string, FileContent>>): string {
  const dir = tempDir("project");
  writeFiles(dir, { "project.conf": "name: test\nmin-version: 2.0\n", ...files });
  return dir;
}

/** Path of a new user configuration with a cache folder of its own; `settings` are added to it or replace it. */
export function cacheConfig(settings: Readonly<Record<string, unknown>> = {}): string {
  const dir = tempDir("user");
  const path = join(dir, "buildstream.conf");
  const folders = ["cachedir", "sourcedir", "logdir", "workspacedir"].map((key) => [
    key,
    join(dir, key.replace("dir", "")),
  ]);
  writeFileSync(path, stringify({ ...Object.fromEntries(folders), ...settings }));
  return path;
}

function configFor(cwd: string): string {
  const known = configs.get(cwd);
  if (known !== undefined) return known;
  const made = cacheConfig();
  configs.set(cwd, made);
  return made;
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** What the command of some surroundings left there. */
export function readError(path: string): ErrorRecord | undefined {
  const text = readFileSync(path, "utf8");
  return text === "" ? undefined : JSON.parse(text);
}

/** What a command is started with: a home folder of its own, and no settings of those who run the tests. */
interface Surroundings {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly errorFile: string;
  readonly timeoutMs: number;
}

export function surroundings(args: readonly string[], options: RunOptions): Surroundings {
  const cwd = options.cwd ?? process.cwd();
  const home = tempDir("home");
  const errorFile = join(home, "error.json");
  writeFileSync(errorFile, "");
  return {
    args: ["--config", options.config ?? configFor(cwd), ...args],
    cwd,
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: undefined,
      XDG_CACHE_HOME: undefined,
      XDG_DATA_HOME: undefined,
      FORCE_COLOR: undefined,
      BST_TS_ERROR_FILE: errorFile,
      ...options.env,
    },
    home,
    errorFile,
    timeoutMs: options.timeoutMs ?? 150_000,
  };
}

/** Runs a program that has BuildStream's command line and the error record; never rejects for its exit status. */
export function runCommand(
  command: readonly string[],
  words: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { args, cwd, env, errorFile, timeoutMs } = surroundings(words, options);
  const [program = "", ...first] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], {
      cwd,
      detached: true,
      env,
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const output: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
    child.stdout?.on("data", (chunk: Buffer) => output.stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => output.stderr.push(chunk));
    child.stdin?.end(options.stdin);
    const timer = setTimeout(() => killGroup(child), timeoutMs);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code,
        stdout: Buffer.concat(output.stdout).toString(),
        stderr: Buffer.concat(output.stderr).toString(),
        error: readError(errorFile),
      });
    });
    options.onStart?.(child);
  });
}

/** Runs bst-ts. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return runCommand(bstTs, args, options);
}
