/** Tries which of the ways to run a sandbox work on this machine. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BstError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { bubblewrapCommand } from "./bubblewrap.ts";
import type { SandboxBackend, SandboxHost } from "./host.ts";
import { TOOL_PATH } from "./host.ts";
import { HOSTNAME, type Isolation } from "./isolation.ts";
import { inNamespaces, type Namespaces } from "./namespaces.ts";
import { SandboxWorkspace } from "./workspace.ts";

export interface SandboxSystem {
  readonly backend: SandboxBackend;
  readonly namespaces: Namespaces;
  /** Options to mount overlays with; undefined where roots must be copied. */
  readonly overlay: string | undefined;
}

/** Kept in memory where the kernel can: what a build wants to have on disk for sure is no use after a crash. */
const OVERLAY_OPTIONS = ["userxattr,volatile", "userxattr"];

/** Throws BstError in domain "sandbox" with reason `unavailable-local-sandbox`. */
export async function findSystem(host: SandboxHost): Promise<SandboxSystem> {
  const failures: string[] = [];
  for (const [backend, namespaces] of candidates(host)) {
    const workspace = new SandboxWorkspace(host, namespaces);
    try {
      const said = await attempt(host, workspace, backend, namespaces);
      const overlay = host.options.overlay === false ? undefined : /^overlay=(.*)$/m.exec(said)?.[1];
      return { backend, namespaces, overlay };
    } catch (error) {
      failures.push(`${backend}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    } finally {
      await workspace.remove();
    }
  }
  throw new BstError("sandbox", "This machine has nothing that can run commands in a sandbox", {
    reason: "unavailable-local-sandbox",
    detail: ["Install bubblewrap, or util-linux, and allow user namespaces.", ...failures].join("\n"),
  });
}

function candidates({ tools, options }: SandboxHost): [SandboxBackend, Namespaces][] {
  const { bwrap, unshare, setpriv } = tools;
  const all: [SandboxBackend, Namespaces][] = [];
  if (bwrap !== undefined) {
    if (unshare !== undefined) all.push(["bubblewrap", "user"], ["bubblewrap", "root"]);
    all.push(["bubblewrap", "none"]);
  }
  if (unshare !== undefined && setpriv !== undefined) all.push(["unshare", "user"], ["unshare", "root"]);
  return all.filter(
    ([backend, namespaces]) =>
      (options.backend ?? backend) === backend &&
      (options.namespaces ?? namespaces) === namespaces &&
      (namespaces !== "root" || process.geteuid?.() === 0),
  );
}

async function attempt(
  { tools }: SandboxHost,
  workspace: SandboxWorkspace,
  backend: SandboxBackend,
  namespaces: Namespaces,
): Promise<string> {
  const script = `${namespaces === "none" ? "" : tryOverlay()}\n${tryBackend(tools.bwrap, backend, namespaces)}`;
  const [program = "", ...args] = inNamespaces(tools, namespaces, script, { extra: ["--net", "--ipc", "--uts"] });
  const { stdout } = await promisify(execFile)(program, args, { cwd: workspace.path, env: { PATH: TOOL_PATH } });
  return stdout;
}

/** Whether directories can be made anew in an overlay shows whether the file system can hold its attributes. */
function tryOverlay(): string {
  return [
    "mkdir -p lower/a/b",
    `for options in ${OVERLAY_OPTIONS.join(" ")}; do`,
    "  mount -n -t overlay -o $options,lowerdir=lower,upperdir=upper,workdir=work overlay root 2>/dev/null || continue",
    '  rm -r root/a && mkdir root/a && [ -z "$(ls root/a)" ] && echo overlay=$options',
    "  break",
    "done 2>/dev/null",
  ].join("\n");
}

function tryBackend(bwrap: string | undefined, backend: SandboxBackend, namespaces: Namespaces): string {
  if (backend === "unshare") {
    const user = namespaces === "user" ? "unshare --user --map-user=0 --map-group=0 true" : "true";
    return `${user} && mount -n -t proc proc root`;
  }
  const isolation: Isolation = {
    argv: ["true"],
    env: { PATH: TOOL_PATH },
    cwd: "/",
    root: "/",
    rootReadOnly: true,
    writableDirectories: [],
    hostMounts: [],
    network: false,
    hostname: HOSTNAME,
    interactive: false,
    userNamespace: namespaces !== "root",
    uid: 0,
    gid: 0,
  };
  return `${bubblewrapCommand(bwrap ?? "bwrap", isolation)
    .map(quote)
    .join(" ")} 3>/dev/null`;
}
