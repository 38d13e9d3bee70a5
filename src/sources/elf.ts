/** Reads from ELF files what they need at run time: their interpreter and shared libraries. */
import fs from "node:fs";

export interface ElfFile {
  /** Class, byte order and machine: only files where this is equal can be loaded together. */
  readonly target: string;
  /** The dynamic loader, of programs. */
  readonly interpreter: string | undefined;
  /** Names of libraries, or paths. */
  readonly needed: readonly string[];
  /** Folders to search before others; the newer of the two hides the older. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[] | undefined;
}

const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
/** No real file has parts of this kind as large as this. */
const MAX_PART = 16 << 20;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Undefined for other files, and for damaged ones. Throws the system's error if the file can't be read. */
export function readElf(path: string): ElfFile | undefined {
  const file = fs.openSync(path, "r");
  try {
    return parse(file);
  } catch (error) {
    // What points outside of the file or of the buffer that was read of it.
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    fs.closeSync(file);
  }
}

function read(file: number, offset: number, size: number): Buffer {
  if (size > MAX_PART) throw new RangeError("too large");
  const bytes = Buffer.alloc(size);
  if (fs.readSync(file, bytes, 0, size, offset) < size) throw new RangeError("too short");
  return bytes;
}

function parse(file: number): ElfFile | undefined {
  const head = Buffer.alloc(64);
  const count = fs.readSync(file, head, 0, head.length, 0);
  if (count < 52 || !head.subarray(0, 4).equals(MAGIC)) return undefined;
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const half = (bytes: Buffer, at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const word = (bytes: Buffer, at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const size = (bytes: Buffer, at: number) =>
    wide ? Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)) : word(bytes, at);

  const entrySize = half(head, wide ? 54 : 42);
  const entries = read(file, size(head, wide ? 32 : 28), entrySize * half(head, wide ? 56 : 44));
  const segments: Segment[] = [];
  for (let at = 0; at < entries.length; at += entrySize) {
    segments.push({
      type: word(entries, at),
      offset: size(entries, at + (wide ? 8 : 4)),
      address: size(entries, at + (wide ? 16 : 8)),
      size: size(entries, at + (wide ? 32 : 16)),
    });
  }

  const numbers = new Map<number, number[]>();
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic !== undefined) {
    const table = read(file, dynamic.offset, dynamic.size);
    const step = wide ? 16 : 8;
    for (let at = 0; at + step <= table.length; at += step) {
      const tag = size(table, at);
      if (tag === 0) break;
      numbers.set(tag, [...(numbers.get(tag) ?? []), size(table, at + step / 2)]);
    }
  }
  const texts = (tag: number) => {
    const offsets = numbers.get(tag);
    if (offsets === undefined) return undefined;
    const strings = stringTable(file, segments, numbers);
    return offsets.map((offset) => textAt(strings, offset));
  };
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    target: `${head[4]}/${head[5]}/${half(head, 18)}`,
    interpreter: interpreter && textAt(read(file, interpreter.offset, interpreter.size), 0),
    needed: texts(DT_NEEDED) ?? [],
    rpath: texts(DT_RPATH)?.flatMap(splitPaths) ?? [],
    runpath: texts(DT_RUNPATH)?.flatMap(splitPaths),
  };
}

function stringTable(
  file: number,
  segments: readonly Segment[],
  numbers: ReadonlyMap<number, readonly number[]>,
): Buffer {
  const [address = 0] = numbers.get(DT_STRTAB) ?? [];
  const [length = 0] = numbers.get(DT_STRSZ) ?? [];
  const segment = segments.find(
    ({ type, address: start, size }) => type === PT_LOAD && address >= start && address < start + size,
  );
  if (segment === undefined) throw new RangeError("no string table");
  return read(file, segment.offset + address - segment.address, length);
}

function textAt(bytes: Buffer, offset: number): string {
  const end = bytes.indexOf(0, offset);
  if (offset >= bytes.length || end < 0) throw new RangeError("no text");
  return bytes.toString("utf8", offset, end);
}

function splitPaths(paths: string): string[] {
  return paths.split(":").filter((path) => path !== "");
}
