/** What this machine has for running commands apart from itself, and where their root folders are kept. */
import { accessSync, constants } from "node:fs";
import path from "node:path";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { Namespaces } from "./namespaces.ts";
import { findSystem, type SandboxSystem } from "./probe.ts";
import { RootCache } from "./roots.ts";

export type SandboxBackend = "bubblewrap" | "unshare";

export interface SandboxOptions {
  /** Only this one; else bubblewrap before unshare. */
  readonly backend?: SandboxBackend;
  /** Only these; else the ones that work. */
  readonly namespaces?: Namespaces;
  /** Whether roots may be overlays, the default, or are always copied. */
  readonly overlay?: boolean;
}

/** Absolute paths of programs. */
export interface SandboxTools {
  readonly bwrap: string | undefined;
  readonly unshare: string | undefined;
  readonly setpriv: string | undefined;
  readonly setarch: string | undefined;
  readonly flock: string | undefined;
}

/**
 * Where set-up scripts look for programs, whatever the user's own setting lacks. They work in folders of builds, too, so
 * nothing may depend on where they are.
 */
export const TOOL_PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin`
  .split(":")
  .filter((directory) => path.isAbsolute(directory))
  .join(":");

export class SandboxHost {
  readonly cas: Cas;
  readonly tools: SandboxTools;
  readonly roots: RootCache;
  readonly options: SandboxOptions;
  /** For roots, without what is staged for one element, the digest of a root on disk that has all of their files below. */
  readonly bases = new Map<string, Digest>();
  #system: Promise<SandboxSystem> | undefined;

  constructor(cas: Cas, options: SandboxOptions) {
    this.cas = cas;
    this.options = options;
    this.tools = {
      bwrap: findProgram("bwrap"),
      unshare: findProgram("unshare"),
      setpriv: findProgram("setpriv"),
      setarch: findProgram("setarch"),
      flock: findProgram("flock"),
    };
    this.roots = new RootCache(cas, this.tools.flock);
  }

  /** What works here, tried once. Throws BstError in domain "sandbox" with reason `unavailable-local-sandbox` if nothing does. */
  system(): Promise<SandboxSystem> {
    this.#system ??= findSystem(this);
    return this.#system;
  }
}

/** Looks for the programs that sandboxes need; whether they work is tried when the first command is run. */
export function detectSandbox(cas: Cas, options: SandboxOptions = {}): SandboxHost {
  return new SandboxHost(cas, options);
}

function findProgram(name: string): string | undefined {
  for (const directory of TOOL_PATH.split(":")) {
    const file = path.join(directory, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
