/** Writes tar headers whose bytes follow from what they say: ustar, with PAX records where that is too narrow. */
import { BLOCK, tarPadding, XATTR } from "./tar-fields.ts";

export { tarPadding };

export type TarEntryType = "file" | "directory" | "symlink";

export interface TarEntry {
  /** Without a slash at the end. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Target of a symlink. */
  readonly target?: string;
  /** Numbers of owner and group; default 0. They have no names. */
  readonly uid?: number;
  readonly gid?: number;
  /** Extended attributes by full name; values as latin1, a character for each byte. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

const FLAGS: Readonly<Record<TarEntryType, string>> = { file: "0", symlink: "2", directory: "5" };
/** Eleven octal digits. */
const MAX_NUMBER = 8 ** 11 - 1;
/** Seven octal digits. */
const MAX_OWNER = 8 ** 7 - 1;

/** What ends an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** The block or blocks before an entry's content. */
export function tarHeader(entry: TarEntry): Buffer {
  const { path, type, mode, size, mtime, target = "", uid = 0, gid = 0, xattrs = {} } = entry;
  const name = type === "directory" ? `${path}/` : path;
  const records: Buffer[] = [];
  const split = splitName(name);
  if (split === undefined) records.push(paxRecord("path", name));
  if (!fits(target, 100)) records.push(paxRecord("linkpath", target));
  if (size > MAX_NUMBER) records.push(paxRecord("size", String(size)));
  if (uid > MAX_OWNER) records.push(paxRecord("uid", String(uid)));
  if (gid > MAX_OWNER) records.push(paxRecord("gid", String(gid)));
  for (const key of Object.keys(xattrs).sort()) records.push(paxRecord(XATTR + key, xattrs[key] ?? "", "latin1"));
  const { prefix, last } = split ?? { prefix: "", last: cut(name) };
  const header = block({ prefix, name: last, flag: FLAGS[type], mode, size, mtime, target: cut(target), uid, gid });
  if (records.length === 0) return header;
  const content = Buffer.concat(records);
  const ids = { uid: 0, gid: 0, target: "", prefix: "" };
  const pax = { ...ids, name: "././@PaxHeader", flag: "x", mode: 0o644, size: content.length, mtime };
  return Buffer.concat([block(pax), content, Buffer.alloc(tarPadding(content.length)), header]);
}

interface Fields {
  readonly prefix: string;
  readonly name: string;
  readonly flag: string;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
}

function block(fields: Fields): Buffer {
  // Of the pool: there are many, and they do not live long.
  const header = Buffer.allocUnsafe(BLOCK).fill(0);
  header.write(fields.name, 0, 100, "latin1");
  octal(header, fields.mode, 100, 7);
  octal(header, fields.uid, 108, 7);
  octal(header, fields.gid, 116, 7);
  octal(header, fields.size, 124, 11);
  octal(header, fields.mtime, 136, 11);
  header.write(fields.flag, 156, 1, "latin1");
  header.write(fields.target, 157, 100, "latin1");
  header.write("ustar\x0000", 257, 8, "latin1");
  octal(header, 0, 329, 7);
  octal(header, 0, 337, 7);
  header.write(fields.prefix, 345, 155, "latin1");
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += header[i] as number;
  octal(header, sum, 148, 6);
  header[154] = 0;
  return header;
}

/** Writes so many digits, of the largest number that they can say where it is too large. */
function octal(header: Buffer, value: number, start: number, digits: number): void {
  let rest = Math.min(value, 8 ** digits - 1);
  for (let i = start + digits - 1; i >= start; i--) {
    const above = Math.floor(rest / 8);
    header[i] = 0x30 + rest - above * 8;
    rest = above;
  }
}

/** Whether a field of so many bytes can hold the text for every reader. */
function fits(text: string, size: number): boolean {
  return text.length <= size && /^[\x20-\x7e]*$/.test(text);
}

/** What an old reader that knows no PAX records sees. */
function cut(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 100);
}

/** The two fields that a path goes into, divided at a slash; undefined where it fits in no way. */
function splitName(name: string): { readonly prefix: string; readonly last: string } | undefined {
  if (fits(name, 100)) return { prefix: "", last: name };
  if (!fits(name, 256)) return undefined;
  // The slash that ends a directory's name can't be the one.
  const slash = name.indexOf("/", name.length - 101);
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined;
  return { prefix: name.slice(0, slash), last: name.slice(slash + 1) };
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string, encoding: BufferEncoding = "utf8"): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value, encoding), Buffer.from("\n")]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
