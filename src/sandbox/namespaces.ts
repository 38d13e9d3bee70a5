/** The first processes of a sandbox: they make namespaces, mount the root, and wait until all others are gone. */

import { quote } from "../base/quote.ts";
import type { SandboxTools } from "./host.ts";

/**
 * Whose namespaces set-up scripts run in: those of a new user, who may mount; those of the real root, where users may not
 * be made; or none, where only bubblewrap itself has the rights.
 */
export type Namespaces = "user" | "root" | "none";

export interface OverlayMount {
  /** Options that work here. */
  readonly options: string;
  /** Absolute path of a root in the cache. */
  readonly lower: string;
}

/** The command that runs a script as the first process of new namespaces; its end is that of all processes in them. */
export function inNamespaces(
  { unshare, setpriv }: SandboxTools,
  namespaces: Namespaces,
  script: string,
  options: { readonly extra?: readonly string[]; readonly arguments?: readonly string[] } = {},
): string[] {
  const shell = ["sh", "-c", script, "sh", ...(options.arguments ?? [])];
  // Where this process is killed itself, nobody else would end what it started.
  const bound = setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
  if (namespaces === "none" || unshare === undefined) return [...bound, ...shell];
  const user = namespaces === "user" ? ["--user", "--map-root-user"] : [];
  const flags = [...user, "--mount", "--pid", "--fork", "--kill-child=KILL", ...(options.extra ?? [])];
  return [...bound, unshare, ...flags, "--", ...shell];
}

/**
 * The beginning of set-up scripts, which run in the sandbox's folder: modes and signals as in every build of BuildStream,
 * locks, and the root. Says `gone` to descriptor 3 if the lower root was removed from the cache.
 * @param work the folder that an overlay needs, new for each mount
 */
export function mountRoot(folder: string, overlay: OverlayMount | undefined, lock: boolean, work = "work"): string {
  const lines = ["umask 022", 'trap "" PIPE'];
  if (overlay !== undefined) {
    lines.push(`cd ${quote(overlay.lower)} 2>/dev/null || { echo gone >&3; exit 1; }`);
    if (lock) lines.push("exec 9<lock && flock --shared 9 || exit 1");
    lines.push("[ -d tree ] || { echo gone >&3; exit 1; }");
    // Relative, as commas and colons would have another meaning.
    const inFolder = `../../sandboxes/${folder.slice(folder.lastIndexOf("/") + 1)}`;
    const layers = `lowerdir=tree,upperdir=${inFolder}/upper,workdir=${inFolder}/${work}`;
    lines.push(`mount -n -t overlay -o nosuid,nodev,${overlay.options},${layers} overlay ${inFolder}/root || exit 1`);
  }
  lines.push(`cd ${quote(folder)} || exit 1`);
  if (lock) lines.push("exec 8<lock && flock --shared 8 || exit 1");
  return lines.join("\n");
}
