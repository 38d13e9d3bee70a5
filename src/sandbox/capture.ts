/** Turns what is on disk after a build into a tree. Builds may be hostile: no name or link of theirs leads outside. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Directory, DirectoryNode, FileNode, SymlinkNode, Timestamp } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { relative } from "./layout.ts";
import type { StagedFile, StagedFiles } from "./stage.ts";
import { type UserAttributes, userAttributes } from "./user-attributes.ts";

export interface CaptureOptions {
  /** Where the build's files are; no process of the build may be left, unless it is `live`. */
  readonly directory: string;
  /** The tree below, where it is an overlay's upper folder. */
  readonly lower: Digest | undefined;
  /** Directories that hide what is below them; relative to the root, without a slash at the ends. */
  readonly opaque: ReadonlySet<string>;
  /** What was there before. */
  readonly staged: StagedFiles;
  /** When the build began, in milliseconds since 1970. */
  readonly began: number;
  /** Whether times are kept, as for workspaces. */
  readonly mtimes: boolean;
  /** Directories that are given as places to write to, absolute: of them, and of those above, no times are kept. */
  readonly writableDirectories: readonly string[];
  /** Where a build still runs, and waits: told of what trees do not tell. What has to be made readable gets its mode back. */
  readonly live?: LiveFiles;
}

/** Filled with what files and directories have, by path. */
export interface LiveFiles {
  /** Permission bits, where they differ from those that a tree tells of. */
  readonly modes: Map<string, number>;
  /** Undefined where nobody can tell them. */
  readonly xattrs: Map<string, UserAttributes> | undefined;
  /** Paths of pipes, sockets and devices, which no tree has. */
  readonly special: string[];
}

export interface Captured {
  readonly digest: Digest;
  /** How many files, directories and others there are on disk. */
  readonly entries: number;
}

/** The clock of files has steps: a file as old as this before the build may have been changed after its time was taken. */
const CLOCK_STEP = 20;
/** More directories in directories than any path can have. */
const DEEPEST = 2048;
/** Longer paths are abbreviated, as the system refuses those of more than 4095 bytes. */
const LONG_PATH = 3000;

const EXECUTABLE_BY_OWNER = 0o100;
const PERMISSIONS = 0o7777;

/** A directory on the way. */
interface Frame {
  readonly name: string;
  /** Relative to the root. */
  readonly relative: string;
  readonly path: string;
  /** Open while an abbreviated path goes by it. */
  readonly descriptor: number | undefined;
  /** To be given back. */
  readonly mode: number | undefined;
  readonly lower: Directory | undefined;
  readonly mtime: Timestamp | undefined;
  /** All that is on disk, and what of it is left to do. */
  readonly present: ReadonlySet<string>;
  readonly names: string[];
  readonly files: FileNode[];
  readonly directories: DirectoryNode[];
  readonly symlinks: SymlinkNode[];
}

/** Throws BstError in domain "sandbox" for names that are not UTF-8, and directories that are nested too deep. */
export function capture(cas: Cas, options: CaptureOptions): Captured {
  return new Capture(cas, options).run();
}

class Capture {
  readonly #cas: Cas;
  readonly #options: CaptureOptions;
  /** Directories that are open. */
  readonly #frames: Frame[] = [];
  /** Files with several names, by inode number. */
  readonly #linked = new Map<number, Digest>();
  /** Directories without times. */
  readonly #timeless = new Set<string>();
  #entries = 0;

  constructor(cas: Cas, options: CaptureOptions) {
    this.#cas = cas;
    this.#options = options;
    for (const directory of options.writableDirectories) {
      const names = relative(directory).split("/");
      for (let i = 1; i <= names.length; i++) this.#timeless.add(names.slice(0, i).join("/"));
    }
  }

  run(): Captured {
    const { directory, lower } = this.#options;
    try {
      this.#enter("", "", directory, lower, undefined);
      for (;;) {
        const frame = this.#frames.at(-1);
        if (frame === undefined) throw new Error("a directory was left twice");
        const name = frame.names.pop();
        if (name !== undefined) this.#entry(frame, name);
        else {
          const digest = this.#leave(frame);
          const parent = this.#frames.at(-1);
          if (parent === undefined) return { digest, entries: this.#entries };
          parent.directories.push({ name: frame.name, digest });
        }
      }
    } finally {
      for (const { descriptor } of this.#frames) if (descriptor !== undefined) fs.closeSync(descriptor);
    }
  }

  #enter(name: string, inRoot: string, path: string, lower: Digest | undefined, mtime: Timestamp | undefined): void {
    if (this.#frames.length >= DEEPEST) {
      throw new BstError("sandbox", `The build left directories that are nested too deep: '${inRoot.slice(0, 200)}…'`);
    }
    const mode = this.#options.live && fs.lstatSync(path).mode & PERMISSIONS;
    const names = readable(path, 0o700, () => listNames(path, inRoot));
    const below = this.#options.opaque.has(inRoot) ? undefined : lower;
    const descriptor = path.length > LONG_PATH ? fs.openSync(path, fs.constants.O_DIRECTORY) : undefined;
    this.#frames.push({
      name,
      relative: inRoot,
      path: descriptor === undefined ? path : `/proc/self/fd/${descriptor}`,
      descriptor,
      mode: mode !== undefined && (mode & 0o500) !== 0o500 ? mode : undefined,
      lower: below && this.#cas.readDirectory(below),
      mtime,
      present: new Set(names),
      names,
      files: [],
      directories: [],
      symlinks: [],
    });
  }

  #entry(frame: Frame, name: string): void {
    this.#entries++;
    const path = `${frame.path}/${name}`;
    const stat = fs.lstatSync(path);
    if (this.#options.live !== undefined) noteLive(this.#options.live, frame, name, stat);
    if (stat.isDirectory()) {
      const lower = frame.lower?.directories.find((node) => node.name === name)?.digest;
      const inRoot = frame.relative === "" ? name : `${frame.relative}/${name}`;
      this.#enter(name, inRoot, path, lower, this.#timeless.has(inRoot) ? undefined : this.#mtime(path));
    } else if (stat.isSymbolicLink()) {
      frame.symlinks.push({ name, target: readTarget(path, `${frame.relative}/${name}`) });
    } else if (stat.isFile()) {
      const executable = (stat.mode & EXECUTABLE_BY_OWNER) !== 0;
      const digest = this.#file(path, stat);
      const mtime = this.#mtime(path);
      frame.files.push(mtime === undefined ? { name, digest, executable } : { name, digest, executable, mtime });
    }
    // Whiteouts, sockets, pipes and devices hide what is below them, and are nothing themselves.
  }

  #file(path: string, stat: fs.Stats): Digest {
    const staged = this.#options.staged.get(stat.ino);
    if (staged !== undefined && this.#isUnchanged(staged, stat)) return staged.digest;
    const known = stat.nlink > 1 ? this.#linked.get(stat.ino) : undefined;
    const digest = known ?? readable(path, 0o600, () => this.#cas.importFile(path));
    if (this.#options.live !== undefined && (stat.mode & 0o400) === 0) fs.chmodSync(path, stat.mode & PERMISSIONS);
    if (stat.nlink > 1) this.#linked.set(stat.ino, digest);
    return digest;
  }

  #isUnchanged(staged: StagedFile, stat: fs.Stats): boolean {
    const { size, mtimeMs, ctimeMs } = stat;
    const same = size === staged.size && mtimeMs === staged.mtimeMs && ctimeMs === staged.ctimeMs;
    return same && ctimeMs < this.#options.began - CLOCK_STEP;
  }

  /** The directory's digest, with what of the lower one still shows. */
  #leave(frame: Frame): Digest {
    const { files, directories, symlinks, lower, mtime } = frame;
    this.#frames.pop();
    if (frame.mode !== undefined) fs.chmodSync(frame.path, frame.mode);
    if (frame.descriptor !== undefined) fs.closeSync(frame.descriptor);
    if (lower !== undefined) {
      const stays = ({ name }: { readonly name: string }): boolean => !frame.present.has(name);
      files.push(...lower.files.filter(stays));
      directories.push(...lower.directories.filter(stays));
      symlinks.push(...lower.symlinks.filter(stays));
    }
    return this.#cas.writeDirectory({ files, directories, symlinks, ...(mtime && { mtime }) });
  }

  /** To the microsecond, as BuildStream has them. */
  #mtime(path: string): Timestamp | undefined {
    if (!this.#options.mtimes) return undefined;
    const microseconds = fs.lstatSync(path, { bigint: true }).mtimeNs / 1000n;
    return { seconds: Number(microseconds / 1_000_000n), nanos: Number(microseconds % 1_000_000n) * 1000 };
  }
}

function noteLive({ modes, xattrs, special }: LiveFiles, frame: Frame, name: string, stat: fs.Stats): void {
  if (stat.isSymbolicLink()) return;
  const inRoot = frame.relative === "" ? name : `${frame.relative}/${name}`;
  if (!(stat.isDirectory() || stat.isFile())) {
    if (!isWhiteout(stat)) special.push(inRoot);
    return;
  }
  const mode = stat.mode & PERMISSIONS;
  const usual = stat.isDirectory() || (mode & EXECUTABLE_BY_OWNER) !== 0 ? 0o755 : 0o644;
  if (mode !== usual) modes.set(inRoot, mode);
  const attributes = xattrs && userAttributes(`${frame.path}/${name}`, inRoot);
  if (attributes !== undefined) xattrs?.set(inRoot, attributes);
}

function isWhiteout(stat: fs.Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

/** Root may read everything; others must allow it to themselves first. */
export function readable<T>(path: string, mode: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) !== "EACCES") throw error;
    fs.chmodSync(path, mode);
    return read();
  }
}

function listNames(path: string, relative: string): string[] {
  const names = fs.readdirSync(path);
  // What is no UTF-8 is read as this character.
  if (names.some((name) => name.includes("\ufffd"))) {
    for (const name of fs.readdirSync(path, "buffer")) checkUtf8(name, `name of a file in '/${relative}'`);
  }
  return names;
}

function readTarget(path: string, relative: string): string {
  const target = fs.readlinkSync(path);
  if (target.includes("\ufffd")) checkUtf8(fs.readlinkSync(path, "buffer"), `target of the symlink '/${relative}'`);
  return target;
}

function checkUtf8(bytes: Buffer, what: string): void {
  if (bytes.equals(Buffer.from(bytes.toString()))) return;
  throw new BstError(
    "sandbox",
    `The build left a name that is not UTF-8: the ${what}, ${JSON.stringify(bytes.toString("latin1"))}`,
  );
}
