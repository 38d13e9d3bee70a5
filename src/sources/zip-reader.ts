/** Reads zip archives: names, and contents that are checked against what the archive says of them. */
import fs from "node:fs";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { runProgram } from "./run-program.ts";

/** It is no zip archive, or one that can't or must not be unpacked. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

export interface ZipMember {
  /** As the archive has it; folders end with a slash. */
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Of the member in the file. */
  readonly offset: number;
}

/** Larger members are stored as they stream by. */
const IN_MEMORY = 1 << 22;

const END = 0x06054b50;
const END_SIZE = 22;
const END_64 = 0x06064b50;
const END_64_SIZE = 56;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_64_SIZE = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 0xffff;
const UNKNOWN_32 = 0xffffffff;

const STORED = 0;
const DEFLATED = 8;
const BZIP2 = 12;
const LZMA = 14;

const ENCRYPTED = 1;
const UTF8 = 0x800;

/** What the bytes from 128 on mean where a name is not in UTF-8: code page 437. */
const HIGH =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
  "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

export class ZipReader implements Disposable {
  readonly members: readonly ZipMember[];
  readonly #file: number;

  /** @throws ZipError */
  constructor(path: string) {
    this.#file = fs.openSync(path, "r");
    try {
      const { start, end, shift } = findDirectory(this.#file);
      this.members = parseDirectory(readAt(this.#file, start, end - start), shift);
      refuseOverlaps(this.members, start);
    } catch (error) {
      fs.closeSync(this.#file);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#file);
  }

  /**
   * Puts the content of a member into the store.
   * @throws ZipError
   */
  async store(cas: Cas, member: ZipMember, signal: AbortSignal): Promise<Digest> {
    if (member.isEncrypted) throw new ZipError(`'${member.name}' is encrypted`);
    const header = readAt(this.#file, member.offset, LOCAL_SIZE);
    if (header.readUInt32LE(0) !== LOCAL) throw new ZipError(`the header of '${member.name}' is damaged`);
    const start = member.offset + LOCAL_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (member.size > IN_MEMORY && (member.method === STORED || member.method === DEFLATED)) {
      return cas.importStream(checked(member, this.#stream(member, start)), { signal });
    }
    const content = await unpacked(member, readAt(this.#file, start, member.packedSize), signal);
    if (content.length !== member.size || crc32(content) !== member.crc) {
      throw new ZipError(`'${member.name}' is not what the archive says of it`);
    }
    return cas.write(content);
  }

  #stream({ method, packedSize }: ZipMember, start: number): AsyncIterable<Buffer> {
    const end = start + packedSize - 1;
    const packed = fs.createReadStream("", { fd: this.#file, autoClose: false, start, end });
    if (method === STORED) return packed;
    const inflate = createInflateRaw();
    packed.on("error", (error) => inflate.destroy(error));
    return packed.pipe(inflate);
  }
}

async function* checked(member: ZipMember, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let size = 0;
  let crc = 0;
  try {
    for await (const chunk of content) {
      size += chunk.length;
      if (size > member.size) break;
      crc = crc32(chunk, crc);
      yield chunk;
    }
  } catch (error) {
    throw new ZipError(`'${member.name}' can't be unpacked: ${error instanceof Error ? error.message : error}`);
  }
  if (size !== member.size || crc !== member.crc) {
    throw new ZipError(`'${member.name}' is not what the archive says of it`);
  }
}

async function unpacked({ name, method, size }: ZipMember, packed: Buffer, signal: AbortSignal): Promise<Buffer> {
  switch (method) {
    case STORED:
      return packed;
    case DEFLATED:
      try {
        return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
      } catch (error) {
        throw new ZipError(`'${name}' can't be unpacked: ${error instanceof Error ? error.message : error}`);
      }
    case BZIP2:
      return filtered(name, "bzip2", ["-dc"], packed, signal);
    case LZMA: {
      // Behind a version and the length of the properties stands what a file of the program has, but for the size.
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(size));
      const parts = [packed.subarray(4, 9), length, packed.subarray(9)];
      return filtered(name, "xz", ["--format=lzma", "-dc"], Buffer.concat(parts), signal);
    }
    default:
      throw new ZipError(`'${name}' is packed by method ${method}, which is not known`);
  }
}

async function filtered(name: string, program: string, args: string[], input: Buffer, signal: AbortSignal) {
  const { code, stdout, stderr } = await runProgram(program, args, { input, signal });
  if (code !== 0) throw new ZipError(`'${name}' can't be unpacked: ${stderr.trim()}`);
  return stdout;
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = fs.readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) throw new ZipError("it ends in the middle");
    done += count;
  }
  return bytes;
}

interface CentralDirectory {
  readonly start: number;
  readonly end: number;
  /** How many bytes stand before the archive in the file: offsets are counted from there. */
  readonly shift: number;
}

function findDirectory(file: number): CentralDirectory {
  const { size } = fs.fstatSync(file);
  const tailSize = Math.min(size, END_SIZE + MAX_COMMENT);
  const tail = readAt(file, size - tailSize, tailSize);
  let place = tail.length - END_SIZE;
  while (place >= 0 && tail.readUInt32LE(place) !== END) place--;
  if (place < 0) throw new ZipError("it is no zip archive");
  let length = tail.readUInt32LE(place + 12);
  let offset = tail.readUInt32LE(place + 16);
  let end = size - tailSize + place;
  const large = length === UNKNOWN_32 || offset === UNKNOWN_32 || tail.readUInt16LE(place + 10) === 0xffff;
  if (large && end >= LOCATOR_64_SIZE + END_64_SIZE) {
    const locator = readAt(file, end - LOCATOR_64_SIZE, LOCATOR_64_SIZE);
    if (locator.readUInt32LE(0) === LOCATOR_64) {
      const place64 = end - LOCATOR_64_SIZE - END_64_SIZE;
      const record = readAt(file, place64, END_64_SIZE);
      if (record.readUInt32LE(0) !== END_64) throw new ZipError("its end is damaged");
      length = number64(record, 40);
      offset = number64(record, 48);
      end = place64;
    }
  }
  const start = end - length;
  if (start < offset) throw new ZipError("its list of members is damaged");
  return { start, end, shift: start - offset };
}

function parseDirectory(bytes: Buffer, shift: number): ZipMember[] {
  const members: ZipMember[] = [];
  for (let place = 0; place < bytes.length; ) {
    if (bytes.length - place < CENTRAL_SIZE || bytes.readUInt32LE(place) !== CENTRAL) {
      throw new ZipError("its list of members is damaged");
    }
    const flags = bytes.readUInt16LE(place + 8);
    const nameEnd = place + CENTRAL_SIZE + bytes.readUInt16LE(place + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(place + 30);
    const end = extraEnd + bytes.readUInt16LE(place + 32);
    if (end > bytes.length) throw new ZipError("its list of members is damaged");
    const large = numbers64(bytes.subarray(nameEnd, extraEnd));
    const field = (at: number) => {
      const value = bytes.readUInt32LE(place + at);
      return value === UNKNOWN_32 ? (large.shift() ?? value) : value;
    };
    // In the order in which the large ones follow each other.
    const size = field(24);
    const packedSize = field(20);
    const offset = field(42) + shift;
    members.push({
      name: memberName(bytes.subarray(place + CENTRAL_SIZE, nameEnd), (flags & UTF8) !== 0),
      method: bytes.readUInt16LE(place + 10),
      isEncrypted: (flags & ENCRYPTED) !== 0,
      crc: bytes.readUInt32LE(place + 16),
      packedSize,
      size,
      offset,
    });
    place = end;
  }
  return members;
}

/** The numbers of the extra field for those that 32 bits don't hold. */
function numbers64(extra: Buffer): number[] {
  const numbers: number[] = [];
  for (let place = 0; place + 4 <= extra.length; ) {
    const end = place + 4 + extra.readUInt16LE(place + 2);
    if (extra.readUInt16LE(place) === 1) {
      for (let at = place + 4; at + 8 <= Math.min(end, extra.length); at += 8) numbers.push(number64(extra, at));
    }
    place = end;
  }
  return numbers;
}

function number64(bytes: Buffer, offset: number): number {
  const value = bytes.readBigUInt64LE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ZipError("it has impossible sizes");
  return Number(value);
}

function memberName(bytes: Buffer, isUtf8: boolean): string {
  const end = bytes.indexOf(0);
  const name = end < 0 ? bytes : bytes.subarray(0, end);
  if (!isUtf8) return [...name].map((byte) => (byte < 128 ? String.fromCharCode(byte) : HIGH[byte - 128])).join("");
  const text = name.toString("utf8");
  if (!Buffer.from(text).equals(name)) throw new ZipError(`the name '${text}' is not UTF-8`);
  return text;
}

/** Members that share their packed bytes are what small archives of unbounded content are made of. */
function refuseOverlaps(members: readonly ZipMember[], end: number): void {
  const sorted = [...members].sort((a, b) => a.offset - b.offset);
  for (const [i, { name, offset, packedSize }] of sorted.entries()) {
    const next = sorted[i + 1]?.offset ?? end;
    if (offset + LOCAL_SIZE + packedSize > next) throw new ZipError(`'${name}' overlaps what follows it`);
  }
}
