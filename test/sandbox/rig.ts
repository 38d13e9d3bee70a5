/** Sandboxes to try: one root with a few programs of this machine, and each way to run commands over it. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { afterAll } from "vitest";
import type { Digest } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { SandboxOptions } from "../../src/sandbox/host.ts";
import {
  detectSandbox,
  openSandbox,
  type Sandbox,
  type SandboxCommand,
  type SandboxHost,
  type SandboxSetup,
} from "../../src/sandbox/sandbox.ts";
import { writeRoot } from "../root.ts";

/** Where builds work and what they make, as in BuildStream. */
export const BUILD_ROOT = "/buildstream/test/element.bst";
export const INSTALL_ROOT = "/buildstream-install";

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bst-ts-sandbox-"));
// Ordinary users of this machine have their stores in there too.
fs.chmodSync(scratch, 0o755);
afterAll(() => {
  execFileSync("sh", ["-c", 'rm -rf "$0" 2>/dev/null || { chmod -R u+rwX "$0"; rm -rf "$0"; }', scratch]);
});

export function temporaryDirectory(name = "t"): string {
  const directory = fs.mkdtempSync(path.join(scratch, `${name}-`));
  fs.chmodSync(directory, 0o755);
  return directory;
}

export const cas = new Cas(path.join(scratch, "cas"));

/** A folder with a shell and some commands, perl among them where the machine has it. */
export const rootFolder = ((): string => {
  const folder = temporaryDirectory("root");
  writeRoot(folder);
  const programs = ["/usr/bin/mkfifo", "/usr/bin/perl"].filter((file) => fs.existsSync(file));
  const libraries = programs.flatMap((file) => [
    ...execFileSync("ldd", [file], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g),
  ]);
  for (const file of [...programs, ...libraries.map(([, library = ""]) => library)]) {
    const target = path.join(folder, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (!fs.existsSync(target)) fs.copyFileSync(fs.realpathSync(file), target);
  }
  fs.mkdirSync(path.join(folder, "etc/deep/er"), { recursive: true });
  fs.writeFileSync(path.join(folder, "etc/deep/er/file"), "deep");
  fs.writeFileSync(path.join(folder, "etc/plain"), "plain");
  fs.symlinkSync("plain", path.join(folder, "etc/link"));
  return folder;
})();

export const root: Digest = importLocal(cas, rootFolder);

interface Way {
  readonly name: string;
  readonly host: SandboxHost;
  /** Why it can't be tried here. */
  readonly absent: string | undefined;
}

const OPTIONS: readonly (readonly [string, SandboxOptions])[] = [
  ["bubblewrap over an overlay", { backend: "bubblewrap" }],
  ["bubblewrap over a copy", { backend: "bubblewrap", overlay: false }],
  ["unshare over an overlay", { backend: "unshare" }],
  ["unshare over a copy", { backend: "unshare", overlay: false }],
];

/** What is left where users may not make namespaces of users, or where only bubblewrap may. */
const RARE: typeof OPTIONS = [
  ["bubblewrap alone", { backend: "bubblewrap", namespaces: "none", overlay: false }],
  ["bubblewrap without user namespaces", { backend: "bubblewrap", namespaces: "root" }],
  ["unshare without user namespaces", { backend: "unshare", namespaces: "root" }],
];

async function tryWay(name: string, options: SandboxOptions): Promise<Way> {
  const host = detectSandbox(cas, options);
  try {
    const { overlay } = await host.system();
    const absent = options.overlay !== false && overlay === undefined ? "no overlays on this file system" : undefined;
    return { name, host, absent };
  } catch (error) {
    return { name, host, absent: error instanceof Error ? error.message : String(error) };
  }
}

async function working(options: typeof OPTIONS): Promise<readonly Way[]> {
  const ways = await Promise.all(options.map(([name, each]) => tryWay(name, each)));
  for (const { name, absent } of ways) if (absent !== undefined) console.warn(`skipped: ${name}: ${absent}`);
  return ways.filter(({ absent }) => absent === undefined);
}

/** Those that work here. */
export const workingWays = await working(OPTIONS);
export const rareWays = await working(RARE);

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of the whole root. */
  readonly digest: Digest;
  readonly tree: Tree;
}

export function open(host: SandboxHost, setup: Partial<SandboxSetup> = {}): Promise<Sandbox> {
  return openSandbox(host, {
    root,
    writableDirectories: [BUILD_ROOT, INSTALL_ROOT],
    network: false,
    hostMounts: [],
    ...setup,
  });
}

export function shell(script: string, command: Partial<SandboxCommand> = {}): SandboxCommand {
  return {
    argv: ["sh", "-c", "-e", script],
    env: { PATH: "/usr/bin:/bin" },
    cwd: BUILD_ROOT,
    rootReadOnly: true,
    ...command,
  };
}

export class Collector extends Writable {
  text = "";

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export async function runIn(sandbox: Sandbox, command: SandboxCommand, signal?: AbortSignal): Promise<Outcome> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const status = await sandbox.run(command, { stdout, stderr }, signal);
  const digest = sandbox.capture();
  return { status, stdout: stdout.text, stderr: stderr.text, digest, tree: new Tree(cas, digest) };
}

/** One script in a sandbox of its own. */
export async function run(
  host: SandboxHost,
  script: string,
  command: Partial<SandboxCommand> = {},
  setup: Partial<SandboxSetup> = {},
): Promise<Outcome> {
  await using sandbox = await open(host, setup);
  return await runIn(sandbox, shell(script, command));
}

/** What a directory of a tree holds, a line each: `path`, `path/`, `path*` if executable, `path -> target`. */
export function listing(tree: Tree, directory = ""): string[] {
  return [...tree.openDirectory(directory).entries()].map(({ path, node }) => {
    if (node.kind === "directory") return `${path}/`;
    return node.kind === "symlink" ? `${path} -> ${node.target}` : `${path}${node.executable ? "*" : ""}`;
  });
}

export function content(tree: Tree, file: string): string {
  const node = tree.lookup(file);
  if (node?.kind !== "file") throw new Error(`no file ${file}`);
  return cas.read(node.digest).toString();
}

/** Processes whose command line has some text in it. */
export function processesWith(text: string): number[] {
  return fs.readdirSync("/proc").flatMap((name) => {
    try {
      return /^\d+$/.test(name) && fs.readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

/** Mounts of this process below the store. */
export function mounts(): string[] {
  return fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(scratch));
}
