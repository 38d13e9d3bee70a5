/** Shells: commands that the user runs in the sandbox of an element, with what it shows of this machine. */
import { existsSync } from "node:fs";
import { BstError } from "../base/errors.ts";
import type { Messenger } from "../base/messages.ts";
import type { Digest } from "../cas/digest.ts";
import type { SandboxConfig } from "../project/sandbox-config.ts";
import type { HostMount, ShellConfig } from "../project/shell-config.ts";
import { openSandbox, type SandboxHost } from "../sandbox/sandbox.ts";
import { remoteApisSocket } from "./remote-apis.ts";

/** What a shell is opened on. */
export interface ShellRoot {
  readonly root: Digest;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path in the sandbox. */
  readonly workDirectory: string;
  /** Folders that can be written to; all others can't. */
  readonly writable: readonly string[];
  readonly sandbox: SandboxConfig;
}

export interface ShellOptions {
  /** The project's shell where it is empty. */
  readonly command: readonly string[];
  /** Whether the shell sees nothing of this machine, as builds do. */
  readonly isolate: boolean;
  /** What is mounted besides what the project says. */
  readonly mounts: readonly HostMount[];
  readonly prompt: string;
}

/** What runs a shell, and tells of it. */
export interface ShellTools {
  readonly host: SandboxHost;
  /** The shell's messages, which are about its element. */
  readonly messenger: Messenger;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a command on this process's own input and output.
 * @returns its exit status
 * @throws BstError domain sandbox, reason missing-command among others
 */
export async function runShell(
  { root, environment, workDirectory, writable, sandbox: user }: ShellRoot,
  config: ShellConfig,
  { command, isolate, mounts, prompt }: ShellOptions,
  { host, messenger, signal }: ShellTools,
): Promise<number> {
  const argv = command.length > 0 ? command : config.command;
  const hostMounts = isolate ? [] : present([...config.hostFiles, ...mounts], messenger);
  await using sandbox = await openSandbox(host, {
    root,
    writableDirectories: writable,
    uid: isolate ? user.buildUid : process.geteuid?.(),
    gid: isolate ? user.buildGid : process.getegid?.(),
    os: user.buildOs,
    arch: user.buildArch,
    network: !isolate,
    hostMounts,
    socket: remoteApisSocket(host.cas, user),
  });
  messenger.emit({ type: "status", text: "Running command", detail: argv.join(" ") });
  const env = { ...environment, PS1: prompt, ...(isolate ? {} : config.environment) };
  const io = { stdin: "inherit", stdout: "inherit", stderr: "inherit", interactive: true } as const;
  return await sandbox.run({ argv, env, cwd: workDirectory, rootReadOnly: true }, io, signal);
}

/** What exists of the things to be mounted. */
function present(mounts: readonly HostMount[], messenger: Messenger): HostMount[] {
  return mounts.filter(({ path, hostPath, optional }) => {
    if (!path.startsWith("/")) {
      throw new BstError("sandbox", `'${hostPath}' can only be mounted at an absolute path, and not at '${path}'`);
    }
    const exists = existsSync(hostPath);
    if (!exists && !optional) {
      messenger.emit({ type: "warn", text: `Not mounting non-existing host file: ${hostPath}` });
    }
    return exists;
  });
}
