/** A process of a sandbox, and what is seen through it: its folder and the files of the sandbox, as they are now. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";

export interface Caller extends Disposable {
  /** Absolute, in the sandbox. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The folder, open: what is called `/proc/self/fd/N` is in it, wherever the sandbox moves it. */
  readonly folder: number;
  /** The root of the sandbox, open. */
  readonly root: number;
}

/** Opens what can't be read, too; Node.js has no name for it. */
const O_PATH = 0o10000000;
const FOLDER = O_PATH | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW;

/**
 * The process that has a number in its sandbox, among those that `first` started.
 * @param place a folder of this machine, and where the sandbox has it: only a process of the sandbox does
 * @param directory what it says that its folder is called
 * @throws BstError in domain "sandbox"
 */
export function findCaller(
  first: number | undefined,
  inner: number,
  place: { readonly mounted: string; readonly at: string },
  directory: string,
): Caller {
  const mounted = fs.statSync(place.mounted);
  const pending = first === undefined ? [] : [first];
  for (const pid of pending) {
    try {
      if (innermost(pid) === inner && isSame(fs.statSync(`/proc/${pid}/root${place.at}`), mounted)) {
        return open(pid, directory);
      }
    } catch {
      // It has ended meanwhile, or is not one of the sandbox.
    }
    pending.push(...childrenOf(pid));
  }
  throw new BstError("sandbox", "The process that asks is not to be found");
}

/**
 * Whether there is something at a path of an open root: no symlink is followed, as it would lead out of the sandbox.
 * @param path relative
 */
export function isThere(root: number, path: string): boolean {
  const names = path.split("/");
  const last = names.pop() ?? "";
  const opened: number[] = [];
  try {
    let folder = root;
    for (const name of names) {
      folder = fs.openSync(`/proc/self/fd/${folder}/${name}`, FOLDER);
      opened.push(folder);
    }
    return fs.lstatSync(`/proc/self/fd/${folder}/${last}`, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(systemErrorCode(error) ?? "")) return false;
    throw error;
  } finally {
    for (const descriptor of opened) fs.closeSync(descriptor);
  }
}

/**
 * Each file and directory below a folder of an open root with the numbers of its device and its inode. No symlink is
 * followed.
 * @param folder relative; empty for the root
 */
export function* inodesBelow(root: number, folder: string): Generator<readonly [path: string, inode: string]> {
  const opened = [root];
  try {
    for (const name of folder.split("/").filter((part) => part !== "")) {
      opened.push(fs.openSync(`/proc/self/fd/${opened.at(-1)}/${name}`, FOLDER));
    }
    yield* inodesIn(opened.at(-1) ?? root, "");
  } finally {
    for (const descriptor of opened.slice(1)) fs.closeSync(descriptor);
  }
}

function* inodesIn(folder: number, prefix: string): Generator<readonly [path: string, inode: string]> {
  for (const { name } of fs.readdirSync(`/proc/self/fd/${folder}/.`, { withFileTypes: true })) {
    const path = `/proc/self/fd/${folder}/${name}`;
    const { dev, ino, mode } = fs.lstatSync(path, { bigint: true });
    yield [prefix + name, `${major(dev)}-${minor(dev)}-${ino}`];
    if ((Number(mode) & fs.constants.S_IFMT) !== fs.constants.S_IFDIR) continue;
    const inner = fs.openSync(path, FOLDER);
    try {
      yield* inodesIn(inner, `${prefix}${name}/`);
    } finally {
      fs.closeSync(inner);
    }
  }
}

/** As glibc packs the numbers of devices. */
function major(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
}

function minor(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & ~0xffn);
}

function open(pid: number, directory: string): Caller {
  const variables = fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  const folder = fs.openSync(`/proc/${pid}/cwd`, O_PATH | fs.constants.O_DIRECTORY);
  const root = fs.openSync(`/proc/${pid}/root`, O_PATH | fs.constants.O_DIRECTORY);
  return {
    directory,
    environment: Object.fromEntries(variables.map((each) => each.split(/=(.*)/s, 2))),
    folder,
    root,
    [Symbol.dispose]() {
      fs.closeSync(folder);
      fs.closeSync(root);
    },
  };
}

/** The number of a process in the innermost of its namespaces. */
function innermost(pid: number): number {
  const line = /^NSpid:(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  return Number(line.trim().split(/\s+/).at(-1));
}

function childrenOf(pid: number): number[] {
  try {
    return fs
      .readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean))
      .map(Number);
  } catch {
    return [];
  }
}

function isSame(a: fs.Stats, b: fs.Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
