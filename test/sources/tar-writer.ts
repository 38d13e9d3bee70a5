/** Writes tar headers as a test wants them, hostile ones included. */
import { gzipSync } from "node:zlib";

export interface Member {
  readonly name: string;
  /** The type byte; default "0", a file. */
  readonly flag?: string;
  readonly mode?: number;
  readonly content?: string | Uint8Array;
  readonly link?: string;
  readonly prefix?: string;
  /** In place of the content's length. */
  readonly size?: number;
  /** Bytes put over the header before its sum is made, by offset. */
  readonly patch?: ReadonlyMap<number, Uint8Array>;
  readonly damageSum?: boolean;
}

export function header(member: Member): Buffer {
  const { name, flag = "0", mode = 0o644, content = "", link = "", prefix = "", size } = member;
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "utf8");
  block.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${(size ?? Buffer.byteLength(content)).toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write(flag, 156);
  block.write(link, 157, 100, "utf8");
  block.write("ustar\x0000", 257, "latin1");
  block.write(prefix, 345, 155, "utf8");
  for (const [offset, bytes] of member.patch ?? []) block.set(bytes, offset);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  if (member.damageSum) sum++;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A PAX header for the member after it. */
export function pax(
  records: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  flag = "x",
): Member {
  const pairs = Array.isArray(records) ? (records as [string, string][]) : Object.entries(records);
  const content = pairs
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      let length = rest + String(rest).length;
      if (String(length).length > String(rest).length) length = rest + String(length).length;
      return `${length} ${key}=${value}\n`;
    })
    .join("");
  return { name: "PaxHeader", flag, content };
}

/** The archive, with its two blocks of zeros unless told otherwise. */
export function archive(members: readonly Member[], end = 1024): Buffer {
  const blocks = members.flatMap((member) => [header(member), padded(Buffer.from(member.content ?? ""))]);
  return Buffer.concat([...blocks, Buffer.alloc(end)]);
}

export function gzipped(members: readonly Member[]): Buffer {
  return gzipSync(archive(members));
}

export function directory(name: string): Member {
  return { name, flag: "5", mode: 0o755 };
}

export function symlink(name: string, link: string): Member {
  return { name, flag: "2", mode: 0o777, link };
}

export function hardlink(name: string, link: string, mode = 0o644): Member {
  return { name, flag: "1", mode, link };
}
