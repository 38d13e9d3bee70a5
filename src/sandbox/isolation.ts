/** What a command is to see of the machine; both backends make the same of it. */
import type { HostMount } from "./layout.ts";

export interface Isolation {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, in the sandbox. */
  readonly cwd: string;
  /** The folder that becomes `/`, as seen by what sets up the sandbox. */
  readonly root: string;
  readonly rootReadOnly: boolean;
  /** Absolute, in the sandbox; they stay writable where the root is not. */
  readonly writableDirectories: readonly string[];
  readonly hostMounts: readonly HostMount[];
  /** A socket that commands may connect to. Its place is there, unless it is in /tmp. */
  readonly socket?: HostMount | undefined;
  /** A folder in /dev with what a command is served by. */
  readonly served?: HostMount | undefined;
  /** Else there is a loopback device only, and the host's name and shared memory are not seen either. */
  readonly network: boolean;
  readonly hostname: string;
  /** Whether all devices are there, for the terminal is one of them. */
  readonly interactive: boolean;
  /** Whether the machine lets us make user namespaces. */
  readonly userNamespace: boolean;
  readonly uid: number;
  readonly gid: number;
}

/** Results must not tell machines apart; it is also what BuildStream's builds see. */
export const HOSTNAME = "buildbox";
