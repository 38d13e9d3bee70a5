/** Files that only save time: they appear whole or not at all, and that they can't be written is no error. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { systemErrorCode } from "./errors.ts";

/** What is written at once, in characters or bytes: a text for everything could be longer than texts can be. */
const PORTION = 1 << 20;

/**
 * Writes a file, and the folder that it is in.
 * @param pieces its content, one after the other
 * @param mode who may read it; default everybody whom the umask lets
 * @returns whether it could be written
 */
export function writeCacheFile(file: string, pieces: Iterable<string | Uint8Array>, mode = 0o666): boolean {
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  let isWritten: boolean | undefined;
  try {
    isWritten = unlessRefused(() => {
      fs.mkdirSync(dirname(file), { recursive: true });
      const target = fs.openSync(temporary, "wx", mode);
      try {
        for (const portion of portions(pieces)) fs.writeFileSync(target, portion);
      } finally {
        fs.closeSync(target);
      }
      fs.renameSync(temporary, file);
      return true;
    });
  } finally {
    if (!isWritten) unlessRefused(() => fs.rmSync(temporary, { force: true }));
  }
  return isWritten ?? false;
}

function* portions(pieces: Iterable<string | Uint8Array>): Generator<string | Uint8Array> {
  let texts: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      texts.push(piece);
      length += piece.length;
      if (length < PORTION) continue;
    }
    yield texts.join("");
    texts = [];
    length = 0;
    if (typeof piece !== "string") yield piece;
  }
  yield texts.join("");
}

export function removeCacheFile(file: string): void {
  unlessRefused(() => fs.rmSync(file, { force: true }));
}

/** The content of such a file; undefined where it can't be read. */
export function readCacheFile(file: string): Buffer | undefined {
  return unlessRefused(() => fs.readFileSync(file));
}

/**
 * Removes the files of a folder that were written before so many others. Those of other processes may be gone meanwhile.
 * @param prefix what the names of these files begin with; others are left alone
 */
export function keepNewestFiles(folder: string, count: number, prefix = ""): void {
  const names = (unlessRefused(() => fs.readdirSync(folder)) ?? []).filter((name) => name.startsWith(prefix));
  if (names.length <= count) return;
  const files = names.map((name) => {
    const path = join(folder, name);
    return { path, written: unlessRefused(() => fs.statSync(path).mtimeMs) ?? 0 };
  });
  const superfluous = files.sort((a, b) => b.written - a.written).slice(count);
  for (const { path } of superfluous) unlessRefused(() => fs.rmSync(path, { force: true }));
}

/** What an action gives; undefined where the system refuses it. */
function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * Writes a line for each entry: nothing of it has to be understood before it is asked for.
 * @param header the first line, which tells the form and version of the others
 * @param entries texts without line ends, by keys; keys with tabs or line ends are left out
 */
export function writeCacheLines(
  file: string,
  header: string,
  entries: Iterable<readonly [key: string, text: string]>,
): boolean {
  return writeCacheFile(file, lines(header, entries));
}

function* lines(header: string, entries: Iterable<readonly [string, string]>): Generator<string> {
  yield `${header}\n`;
  for (const [key, text] of entries) if (!/[\t\n]/.test(key)) yield `${key}\t${text}\n`;
}

/** What {@link writeCacheLines} wrote; nothing where there is no such file, or one with another header. */
export function readCacheLines(file: string, header: string): Map<string, string> {
  const found = new Map<string, string>();
  const text = readCacheFile(file)?.toString() ?? "";
  if (!text.startsWith(`${header}\n`)) return found;
  let start = header.length + 1;
  for (let end = text.indexOf("\n", start); end >= 0; end = text.indexOf("\n", start)) {
    const tab = text.indexOf("\t", start);
    if (tab >= 0 && tab < end) found.set(text.slice(start, tab), text.slice(tab + 1, end));
    start = end + 1;
  }
  return found;
}
