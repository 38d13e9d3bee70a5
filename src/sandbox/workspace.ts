/** The folder of one sandbox while it lives: what is written in it, and where its root is mounted. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { promisify } from "node:util";
import type { Cas } from "../cas/store.ts";
import type { SandboxHost } from "./host.ts";
import type { Namespaces } from "./namespaces.ts";

/** Folders with more entries than this are removed by a program, as that does not keep this process from its work. */
const MANY = 500;

export function workspacesDirectory(cas: Cas): string {
  return `${cas.root}/sandboxes`;
}

export class SandboxWorkspace {
  readonly name = randomBytes(8).toString("hex");
  readonly path: string;
  readonly #remover: readonly string[];

  constructor({ cas, tools }: SandboxHost, namespaces: Namespaces) {
    // Root of a user namespace may remove what its modes forbid to its owner.
    const elevated = namespaces === "user" && tools.unshare !== undefined;
    this.#remover = elevated ? [tools.unshare, "--user", "--map-root-user"] : [];
    const parent = workspacesDirectory(cas);
    this.path = `${parent}/${this.name}`;
    ownDirectory(parent);
    ownDirectory(this.path);
    for (const name of ["upper", "work", "root"]) ownDirectory(`${this.path}/${name}`);
    // Held by what runs in it, so that nobody takes it for left behind.
    fs.writeFileSync(`${this.path}/lock`, "");
  }

  /** What a build changed, where the root is an overlay. */
  get upper(): string {
    return `${this.path}/upper`;
  }

  get root(): string {
    return `${this.path}/root`;
  }

  /**
   * What can't be removed is left to the next clean-up of the cache.
   * @param entries how much is in it, if that is known and it has been made readable
   */
  async remove(entries = Number.POSITIVE_INFINITY): Promise<void> {
    if (entries < MANY) {
      try {
        // The kernel makes a folder of its own in there that only root may read.
        for (const name of fs.readdirSync(`${this.path}/work`)) fs.chmodSync(`${this.path}/work/${name}`, 0o700);
        fs.rmSync(this.path, { recursive: true, force: true });
        return;
      } catch {
        // What builds leave may have any mode.
      }
    }
    const [program = "", ...args] = [...this.#remover, "rm", "-rf", "--", this.path];
    await promisify(execFile)(program, args).catch(() => {});
  }
}

/** Whatever umask or set-group-id folder there is: inside the sandbox all must belong to its only user and group. */
export function ownDirectory(path: string): void {
  fs.mkdirSync(path, { recursive: true });
  const { uid, gid, mode } = fs.statSync(path);
  const [euid, egid] = [process.geteuid?.() ?? uid, process.getegid?.() ?? gid];
  if (uid === euid && gid !== egid) fs.chownSync(path, euid, egid);
  if (uid === euid && (mode & 0o7777) !== 0o755) fs.chmodSync(path, 0o755);
}
