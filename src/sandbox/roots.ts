/** Root folders that were written to disk once for their digest, kept for the next sandbox with the same dependencies. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { promisify } from "node:util";
import type { Digest } from "../cas/digest.ts";
import { materialise } from "../cas/materialise.ts";
import type { Cas } from "../cas/store.ts";
import { STAGED_MTIME } from "./stage.ts";
import { ownDirectory, workspacesDirectory } from "./workspace.ts";

/** Apparent size, in bytes. Their files are links, so that most of it is shared by roots that are alike. */
const KEPT_ROOTS = 64 * 2 ** 30;
const DIRECTORY_SIZE = 4096;
/** What has no lock holder and is older, in milliseconds, was left behind by a killed process. */
const LEFT_BEHIND = 3600 * 1000;

/**
 * `<root of the store>/roots/<hash>/` holds `tree`, the files; `size`, the apparent bytes; and `lock`, which has the time of
 * the last use and is locked, shared, by those who use the tree. A root appears whole, by renaming.
 */
export class RootCache {
  readonly path: string;
  readonly #cas: Cas;
  readonly #flock: string | undefined;
  readonly #limit: number;
  #cleaned = false;

  constructor(cas: Cas, flock: string | undefined, limit = KEPT_ROOTS) {
    this.#cas = cas;
    this.#flock = flock;
    this.#limit = limit;
    this.path = `${cas.root}/roots`;
  }

  /** The folder of a root; it may be removed by others until it is locked. */
  async ensure(root: Digest): Promise<string> {
    const folder = `${this.path}/${root.hash}`;
    if (!touch(folder)) {
      await this.#clean();
      if (!touch(folder)) this.#write(root, folder);
    }
    return folder;
  }

  /** Another process may write the same root at the same moment: whoever renames first is right. */
  #write(root: Digest, folder: string): void {
    const temporary = `${this.path}/.new-${randomBytes(8).toString("hex")}`;
    ownDirectory(this.path);
    ownDirectory(temporary);
    try {
      materialise(this.#cas, root, `${temporary}/tree`, { mode: "hardlink", mtime: STAGED_MTIME });
      fs.writeFileSync(`${temporary}/size`, String(apparentSize(this.#cas, root)));
      fs.writeFileSync(`${temporary}/lock`, "");
      // A folder without its tree can only come from outside; nobody can use it.
      if (fs.existsSync(folder) && !fs.existsSync(`${folder}/tree`)) fs.rmSync(folder, { recursive: true });
      fs.renameSync(temporary, folder);
    } catch (error) {
      fs.rmSync(temporary, { recursive: true, force: true });
      if (!touch(folder)) throw error;
    }
  }

  /** Removes the roots used longest ago until the limit is kept, and what killed processes left. Once a process. */
  async #clean(): Promise<void> {
    if (this.#cleaned || this.#flock === undefined) return;
    this.#cleaned = true;
    for (const parent of [this.path, workspacesDirectory(this.#cas)]) {
      for (const name of list(parent)) {
        if (parent === this.path && !name.startsWith(".")) continue;
        const time = fs.statSync(`${parent}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
        if (time < Date.now() - LEFT_BEHIND) await this.#remove(`${parent}/${name}`);
      }
    }
    let total = 0;
    const superfluous = this.#newestFirst().filter(({ size }) => {
      total += size;
      return total > this.#limit;
    });
    if (superfluous.length === 0) return;
    for (const { folder } of superfluous) await this.#remove(folder);
    // Files that no root links to any more; those made a moment ago are about to be linked.
    const unlinked = ["-type", "f", "-links", "1", "-cmin", "+60", "-delete"];
    await promisify(execFile)("find", [`${this.#cas.root}/linkable`, ...unlinked]).catch(() => {});
  }

  #newestFirst(): { readonly folder: string; readonly size: number; readonly used: number }[] {
    const roots = list(this.path).flatMap((name) => {
      const folder = `${this.path}/${name}`;
      const used = fs.statSync(`${folder}/lock`, { throwIfNoEntry: false })?.mtimeMs;
      if (name.startsWith(".") || used === undefined) return [];
      return { folder, used, size: Number(fs.readFileSync(`${folder}/size`, "utf8")) };
    });
    return roots.sort((a, b) => b.used - a.used);
  }

  /** Unless somebody uses it. Whoever waits for the lock meanwhile finds the tree gone, and writes another. */
  async #remove(folder: string): Promise<void> {
    const trash = `${this.path}/.old-${randomBytes(8).toString("hex")}`;
    const script = 'mv -- "$1" "$2" && { rm -rf -- "$2" || { chmod -R u+rwX -- "$2"; rm -rf -- "$2"; }; }';
    const lock = fs.existsSync(`${folder}/lock`) ? `${folder}/lock` : folder;
    const args = ["--exclusive", "--nonblock", lock, "sh", "-c", script, "sh", folder, trash];
    // Busy, or already removed by another.
    await promisify(execFile)(this.#flock ?? "flock", args).catch(() => {});
  }
}

/** False if there is no such root. */
function touch(folder: string): boolean {
  try {
    const now = new Date();
    fs.utimesSync(`${folder}/lock`, now, now);
    return fs.existsSync(`${folder}/tree`);
  } catch {
    return false;
  }
}

function list(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}

function apparentSize(cas: Cas, root: Digest): number {
  const { files, directories } = cas.readDirectory(root);
  const own = files.reduce((sum, { digest }) => sum + digest.size, DIRECTORY_SIZE);
  return directories.reduce((sum, { digest }) => sum + apparentSize(cas, digest), own);
}
