/** Runs commands over a root of the store, apart from the machine, and takes back what they changed. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { CommandService } from "../cas/command-service.ts";
import type { Digest } from "../cas/digest.ts";
import { bubblewrapCommand } from "./bubblewrap.ts";
import { inodesBelow, isThere } from "./caller.ts";
import { type CaptureOptions, capture, type LiveFiles } from "./capture.ts";
import { deliver } from "./deliver.ts";
import type { SandboxHost } from "./host.ts";
import { HOSTNAME, type Isolation } from "./isolation.ts";
import { type Launch, launch, type SandboxIo } from "./launch.ts";
import {
  findCommand,
  type HostMount,
  isMounted,
  markMounted,
  prepareRoot,
  relative,
  requireCommand,
  withoutDirectories,
} from "./layout.ts";
import { inNamespaces, mountRoot, type OverlayMount } from "./namespaces.ts";
import { lowerOnly, opaqueDirectories, PRINT_MISSING } from "./opaque.ts";
import { personality } from "./personality.ts";
import type { SandboxSystem } from "./probe.ts";
import { type Question, SERVED, ServedCommand } from "./served.ts";
import { isInTmp, parentOf, placeSocket, type SandboxSocket, socketPathIn } from "./socket.ts";
import { removesAnything, type StagedFiles, stageAdditions } from "./stage.ts";
import { unshareScript } from "./unshare.ts";
import { seesAttributes } from "./user-attributes.ts";
import { SandboxWorkspace } from "./workspace.ts";

export { detectSandbox, type SandboxHost } from "./host.ts";
export type { SandboxSocket } from "./socket.ts";

export interface SandboxSetup {
  readonly root: Digest;
  /** Absolute, in the sandbox; made if need be, and writable also in runs with a read-only root. */
  readonly writableDirectories: readonly string[];
  /** Those that the commands have; root's, by default. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Operating system and architecture, in BuildStream's terms; the machine's, by default. */
  readonly os?: string;
  readonly arch?: string;
  /** Whether commands see the machine's network, and its name. */
  readonly network: boolean;
  readonly hostMounts: readonly HostMount[];
  /** It is served while a command runs. */
  readonly socket?: SandboxSocket | undefined;
  /** The first place where commands are looked for has it. */
  readonly service?: CommandService | undefined;
  /** Whether the times of changed files are kept in the tree, as for workspaces. */
  readonly mtimes?: boolean;
}

export interface SandboxCommand {
  readonly argv: readonly string[];
  /** All that there is; PWD is added. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, in the sandbox; made if need be. */
  readonly cwd: string;
  readonly rootReadOnly: boolean;
}

/** A root on disk. */
interface Staged {
  /** The tree below, and where it is; undefined where the root is a copy. */
  readonly lower: Digest | undefined;
  readonly overlay: OverlayMount | undefined;
  readonly staged: StagedFiles;
}

/** What a run left on disk. */
interface Leftovers {
  readonly workspace: SandboxWorkspace;
  readonly staged: StagedFiles;
  readonly began: number;
  readonly rootReadOnly: boolean;
  /** The tree below, and what hides it; undefined where the root is a copy. */
  readonly lower: Digest | undefined;
  readonly opaque: ReadonlySet<string>;
}

/** What a run works with on disk. */
type Files = Pick<CaptureOptions, "directory" | "lower" | "staged" | "began"> & { readonly shell: string };

/** Where the socket is served, in the folder of the sandbox. */
const SOCKET = "socket";
/** What is mounted at {@link SERVED}. */
const SERVICE = "served";

/** Nothing is started, or written to disk, before the first command. */
export async function openSandbox(host: SandboxHost, setup: SandboxSetup): Promise<Sandbox> {
  return new Sandbox(host, setup);
}

/** It must be disposed of. One command runs at a time. */
export class Sandbox implements AsyncDisposable {
  readonly #host: SandboxHost;
  readonly #setup: SandboxSetup;
  #root: Digest;
  /** Relative to the root. */
  #socketPath: string | undefined;
  #leftovers: Leftovers | undefined;
  #removal: Promise<void> = Promise.resolve();

  constructor(host: SandboxHost, setup: SandboxSetup) {
    this.#host = host;
    this.#setup = setup;
    this.#root = setup.root;
  }

  /**
   * Runs a command to its end, and that of all processes it started; returns its exit status, 128 and the number for a
   * signal. Each command finds the files as the one before left them, but with the times and modes of staged files.
   *
   * Throws the signal's reason once nothing runs any more, and BstError in domain "sandbox": `missing-command`,
   * `unavailable-local-sandbox`, or without a reason where the sandbox could not be set up.
   */
  async run(command: SandboxCommand, io: SandboxIo, signal?: AbortSignal): Promise<number> {
    try {
      return await this.#run(command, io, signal);
    } catch (error) {
      throw signal?.aborted === true ? error : explained(error);
    }
  }

  async #run(command: SandboxCommand, io: SandboxIo, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted();
    const { cas } = this.#host;
    const root = this.#capture();
    requireCommand(cas, root, command.argv[0] ?? "", command.env["PATH"]);
    const prefix = personality(this.#setup, this.#host.tools);
    const system = await this.#host.system();
    this.#socketPath = this.#setup.socket && socketPathIn(cas, root, this.#setup.socket.path);
    this.#root = prepareRoot(cas, root, { ...this.#setup, cwd: command.cwd, socketFolder: this.#socketFolder() });
    for (;;) {
      const status = await this.#attempt(command, system, prefix, io, signal);
      if (status !== "gone") return status;
    }
  }

  /** The tree of the whole root after the last command. */
  capture(): Digest {
    try {
      return this.#capture();
    } catch (error) {
      throw explained(error);
    }
  }

  #capture(): Digest {
    const leftovers = this.#leftovers;
    if (leftovers === undefined) return this.#root;
    const { workspace, rootReadOnly, lower } = leftovers;
    const { cas, bases } = this.#host;
    const directory = lower === undefined ? workspace.root : workspace.upper;
    const { mtimes = false } = this.#setup;
    const folder = this.#socketFolder();
    const writableDirectories = [...this.#setup.writableDirectories, ...(folder === undefined ? [] : [folder])];
    const { digest, entries } = capture(cas, { ...leftovers, directory, mtimes, writableDirectories });
    this.#root = markMounted(cas, digest, rootReadOnly);
    this.#clear(entries);
    if (lower !== undefined) {
      // What comes next may be staged on the same root, unless something was removed from it.
      const next = this.#kept(this.#root);
      if (!removesAnything(cas, lower, next)) bases.set(next.hash, lower);
    }
    return this.#root;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clear();
    await this.#removal;
  }

  async #attempt(
    command: SandboxCommand,
    system: SandboxSystem,
    prefix: readonly string[],
    io: SandboxIo,
    signal: AbortSignal | undefined,
  ): Promise<number | "gone"> {
    const workspace = new SandboxWorkspace(this.#host, system.namespaces);
    try {
      const { lower, overlay, staged } = await this.#stage(workspace, system);
      signal?.throwIfAborted();
      const isolation = this.#isolation(command, workspace, system, io.interactive ?? false);
      const argv = this.#startCommand(isolation, system, prefix, this.#mount(workspace, overlay));
      const began = Date.now();
      const directory = lower === undefined ? workspace.root : workspace.upper;
      const shell = findCommand(this.#host.cas, this.#root, "sh", command.env["PATH"]) ?? "/bin/sh";
      const start = { argv, cwd: workspace.path, io, outlivesAll: system.namespaces !== "none" };
      const report = await this.#launch(start, { directory, lower, staged, began, shell }, signal);
      if (report.startsWith("gone")) {
        await workspace.remove();
        return "gone";
      }
      const status = exitStatus(report);
      const opaque = await this.#findOpaque(workspace, system, lower, overlay);
      this.#leftovers = { workspace, staged, began, rootReadOnly: command.rootReadOnly, lower, opaque };
      return status;
    } catch (error) {
      await workspace.remove();
      throw error;
    }
  }

  /** Serves the socket and the command, if there are any, for as long as something runs. */
  async #launch(start: Launch, files: Files, signal: AbortSignal | undefined): Promise<string> {
    const { socket, service } = this.#setup;
    const hostPath = `${start.cwd}/${SOCKET}`;
    await using _ = this.#socketPath === undefined ? undefined : await socket?.serve(hostPath);
    if (this.#socketPath !== undefined) placeSocket(files.directory, this.#socketPath, hostPath);
    if (service === undefined) return await launch(start, signal);
    const folder = `${start.cwd}/${SERVICE}`;
    await using served = await ServedCommand.open(service.name, files.shell, folder, (question) =>
      this.#answer(service, files, question),
    );
    const report = await launch({ ...start, onStart: (pid) => served.startedAt(pid) }, signal);
    await served.end();
    return report;
  }

  /** Looks at the files as they are, while whoever asks waits, and puts into its folder what the service makes of them. */
  async #answer(service: CommandService, files: Files, { folder, root, ...question }: Question): Promise<void> {
    const { cas } = this.#host;
    const live: LiveFiles = { modes: new Map(), xattrs: seesAttributes() ? new Map() : undefined, special: [] };
    const opaque = new Set<string>();
    if (files.lower !== undefined) {
      for (const [directory, path] of lowerOnly(cas, files.directory, files.lower)) {
        if (!isMounted(path) && !isThere(root, path)) opaque.add(directory);
      }
    }
    const { digest } = capture(cas, { ...files, opaque, mtimes: false, writableDirectories: [], live });
    const call = { ...question, root: digest, ...live, inodes: (path: string) => inodesBelow(root, path) };
    await deliver(cas, await service.run(call), folder, question.signal);
  }

  /** Of the root; undefined where there is none. */
  #socketFolder(): string | undefined {
    const path = this.#socketPath;
    return path === undefined || isInTmp(path) ? undefined : parentOf(path);
  }

  /** Puts the root on disk: what is worth keeping in the cache, the rest in the upper folder, or all in a copy. */
  async #stage(workspace: SandboxWorkspace, system: SandboxSystem): Promise<Staged> {
    const { cas, roots, bases } = this.#host;
    if (system.overlay === undefined) {
      const staged = stageAdditions(cas, undefined, this.#root, workspace.root);
      return { lower: undefined, overlay: undefined, staged };
    }
    const kept = this.#kept(this.#root);
    const lower = bases.get(kept.hash) ?? kept;
    const overlay = { options: system.overlay, lower: await roots.ensure(lower) };
    return { lower, overlay, staged: stageAdditions(cas, lower, this.#root, workspace.upper) };
  }

  #mount(workspace: SandboxWorkspace, overlay: OverlayMount | undefined, work?: string): string {
    return mountRoot(workspace.path, overlay, this.#host.tools.flock !== undefined, work);
  }

  #startCommand(isolation: Isolation, system: SandboxSystem, prefix: readonly string[], mount: string): string[] {
    const { tools } = this.#host;
    if (system.backend === "bubblewrap") {
      // A shell stays where it holds locks, which must not be open inside.
      const start = tools.flock === undefined ? 'exec "$@"' : '"$@" 8<&- 9<&-';
      const command = [...prefix, ...bubblewrapCommand(tools.bwrap ?? "bwrap", isolation)];
      return inNamespaces(tools, system.namespaces, `${mount}\n${start}`, { arguments: command });
    }
    const extra = isolation.network ? [] : ["--net", "--ipc", "--uts"];
    const script = `${mount}\n${unshareScript(isolation, tools, prefix)}`;
    return inNamespaces(tools, system.namespaces, script, { extra });
  }

  async #findOpaque(
    workspace: SandboxWorkspace,
    system: SandboxSystem,
    lower: Digest | undefined,
    overlay: OverlayMount | undefined,
  ): Promise<ReadonlySet<string>> {
    if (lower === undefined) return new Set();
    fs.mkdirSync(`${workspace.path}/again`);
    const script = `${this.#mount(workspace, overlay, "again")}\n${PRINT_MISSING}`;
    const query = inNamespaces(this.#host.tools, system.namespaces, script);
    return opaqueDirectories(lowerOnly(this.#host.cas, workspace.upper, lower), query, workspace.path);
  }

  /** What of a root is worth keeping on disk: all but what is staged for one element, and what it makes. */
  #kept(root: Digest): Digest {
    const { cas } = this.#host;
    return withoutDirectories(cas, markMounted(cas, root, false), this.#setup.writableDirectories);
  }

  #isolation(
    { argv, env, cwd, rootReadOnly }: SandboxCommand,
    workspace: SandboxWorkspace,
    { namespaces }: SandboxSystem,
    interactive: boolean,
  ): Isolation {
    const { writableDirectories, hostMounts, network, uid = 0, gid = 0 } = this.#setup;
    const userNamespace = namespaces !== "root";
    const socketPath = this.#socketPath;
    if (!userNamespace && (uid !== 0 || gid !== 0)) {
      throw new BstError("sandbox", "Without user namespaces commands can't have another user", {
        reason: "unavailable-local-sandbox",
      });
    }
    const isServed = this.#setup.service !== undefined;
    return {
      argv,
      env: { ...env, PWD: cwd, ...(isServed && { PATH: `${SERVED}:${env["PATH"]}` }) },
      cwd,
      root: workspace.root,
      rootReadOnly,
      writableDirectories: writableDirectories.filter((path) => relative(path) !== ""),
      hostMounts,
      ...(socketPath !== undefined && { socket: { hostPath: `${workspace.path}/${SOCKET}`, path: `/${socketPath}` } }),
      ...(isServed && { served: { hostPath: `${workspace.path}/${SERVICE}`, path: SERVED } }),
      network,
      hostname: HOSTNAME,
      interactive,
      userNamespace,
      uid,
      gid,
    };
  }

  #clear(entries?: number): void {
    const workspace = this.#leftovers?.workspace;
    if (workspace === undefined) return;
    this.#leftovers = undefined;
    const removal = workspace.remove(entries);
    this.#removal = this.#removal.then(() => removal);
  }
}

/** What the system says of files and programs is the user's to know: the disk is full, a folder is another's. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || systemErrorCode(error) === undefined) return error;
  return new BstError("sandbox", `The sandbox can't be used: ${error.message}`, { cause: error });
}

function exitStatus(report: string): number {
  const status = /"child-pid"[\s\S]*"exit-code": (\d+)/.exec(report)?.[1];
  if (status !== undefined) return Number(status);
  throw new BstError("sandbox", "The sandbox could not be set up, or was killed", { detail: "The output says why." });
}
