/** Files that users name to be written: regular ones appear whole or not at all, and what is none is written to as it is. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { systemErrorCode } from "./errors.ts";
import { isRunning, OWN_MARK } from "./process-mark.ts";

const OWN_OUTPUTS = [1, 2];
/** Of links, as the kernel has it. */
const MOST_LINKS = 40;

/** What a killed program left of a file is removed with the next one, if nobody wrote to it for so long, on any machine. */
const ABANDONED_AFTER_MS = 3_600_000;

const pause = new Int32Array(new SharedArrayBuffer(4));

export interface OutputFile extends Disposable {
  /** A descriptor to write to. */
  readonly file: number;
  /** Makes what was written the content of the file; without this, nothing was written to regular files. */
  commit(): void;
}

export interface OutputFileOptions {
  /** A folder for what must be written at positions, as pipes and devices have none: they get it in the end. */
  readonly spool?: string;
}

/**
 * Opens what is at `location`, or behind the links there. Devices, pipes, and what this process has for its output anyway
 * are written to; the content of any other file is replaced. All throw what the system says.
 */
export function openOutputFile(location: string, { spool }: OutputFileOptions = {}): OutputFile {
  const existing = fs.statSync(location, { throwIfNoEntry: false });
  if (existing === undefined) return newFile(target(location), undefined);
  const own = OWN_OUTPUTS.find((output) => isSame(existing, output));
  if (own === undefined && existing.isFile()) return newFile(fs.realpathSync(location), existing.mode & 0o7777);
  return spool === undefined ? asItIs(location, own) : spooled(location, own, spool);
}

export function writeOutputFile(location: string, content: string | Uint8Array): void {
  using output = openOutputFile(location);
  writeAll(output.file, typeof content === "string" ? Buffer.from(content) : content);
  output.commit();
}

/** @param position where in the file; by default behind what was written before */
export function writeAll(file: number, bytes: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(file, bytes, done, bytes.length - done, position === null ? null : position + done);
    } catch (error) {
      // Somebody may have made a pipe non-blocking.
      if (systemErrorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

function isSame(existing: fs.Stats, output: number): boolean {
  try {
    const { dev, ino } = fs.fstatSync(output);
    return dev === existing.dev && ino === existing.ino;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false; // It is closed.
  }
}

/** Where a new file belongs: links may lead to what is not there yet. */
function target(location: string, links = 0): string {
  const isLink = fs.lstatSync(location, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  // With too many, opening fails and says so.
  if (!isLink || links > MOST_LINKS) return location;
  return target(resolve(dirname(location), fs.readlinkSync(location)), links + 1);
}

function newFile(path: string, mode: number | undefined): OutputFile {
  removeAbandoned(path);
  const temporary = temporaryIn(dirname(path), path);
  const file = fs.openSync(temporary, "wx");
  return {
    file,
    commit() {
      if (mode !== undefined) fs.fchmodSync(file, mode);
      fs.renameSync(temporary, path);
    },
    [Symbol.dispose]() {
      fs.closeSync(file);
      fs.rmSync(temporary, { force: true });
    },
  };
}

function asItIs(location: string, own: number | undefined): OutputFile {
  const file = own ?? fs.openSync(location, "w");
  return {
    file,
    commit() {},
    [Symbol.dispose]() {
      if (own === undefined) fs.closeSync(file);
    },
  };
}

function spooled(location: string, own: number | undefined, folder: string): OutputFile {
  const temporary = temporaryIn(folder, location);
  const file = fs.openSync(temporary, "wx+");
  fs.rmSync(temporary);
  return {
    file,
    commit() {
      using output = asItIs(location, own);
      const piece = Buffer.alloc(1 << 20);
      for (let at = 0; ; ) {
        const length = fs.readSync(file, piece, 0, piece.length, at);
        if (length === 0) return;
        writeAll(output.file, piece.subarray(0, length));
        at += length;
      }
    },
    [Symbol.dispose]() {
      fs.closeSync(file);
    },
  };
}

function temporaryIn(folder: string, path: string): string {
  return join(folder, `${prefixOf(path)}${OWN_MARK}-${randomBytes(6).toString("hex")}`);
}

/** Short enough for a name, whatever its characters are. */
function prefixOf(path: string): string {
  return `.${basename(path).slice(0, 60)}.`;
}

function removeAbandoned(path: string): void {
  const prefix = prefixOf(path);
  try {
    for (const name of fs.readdirSync(dirname(path))) {
      const [, owner] = (name.startsWith(prefix) && /^(\d+-\d+)-[0-9a-f]{12}$/.exec(name.slice(prefix.length))) || [];
      if (owner === undefined || isRunning(owner)) continue;
      const left = join(dirname(path), name);
      if (Date.now() - fs.lstatSync(left).mtimeMs > ABANDONED_AFTER_MS) fs.rmSync(left);
    }
  } catch (error) {
    // It is in nobody's way: whether the file can be written shows itself.
    if (systemErrorCode(error) === undefined) throw error;
  }
}
