/** Writes the parts of ELF files that loaders look at. */

export interface ElfParts {
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
  /** Default that of this machine's own programs, x86-64 or arm64. */
  readonly machine?: number;
  readonly wide?: boolean;
  readonly little?: boolean;
}

export const MACHINE = process.arch === "arm64" ? 183 : 62;

export function elf(parts: ElfParts): Buffer {
  const { interpreter, needed = [], rpath, runpath, machine = MACHINE, wide = true, little = true } = parts;
  const number = (value: number, size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUIntLE(value, 0, Math.min(size, 6));
    return little ? bytes : bytes.reverse();
  };
  const long = (value: number) => number(value, wide ? 8 : 4);
  const headerSize = wide ? 64 : 52;
  const entrySize = wide ? 56 : 32;

  let strings = "\0";
  const text = (value: string) => {
    const offset = strings.length;
    strings += `${value}\0`;
    return offset;
  };
  const tags: [number, number][] = needed.map((name) => [1, text(name)]);
  if (rpath !== undefined) tags.push([15, text(rpath)]);
  if (runpath !== undefined) tags.push([29, text(runpath)]);
  const loader = interpreter === undefined ? undefined : Buffer.from(`${interpreter}\0`);

  const count = 2 + (loader === undefined ? 0 : 1);
  const stringsAt = headerSize + count * entrySize;
  const loaderAt = stringsAt + strings.length;
  const dynamicAt = loaderAt + (loader?.length ?? 0);
  const base = 0x400000;
  tags.push([5, base + stringsAt], [10, strings.length], [0, 0]);
  const dynamic = Buffer.concat(tags.flatMap(([tag, value]) => [long(tag), long(value)]));

  const segment = (type: number, offset: number, size: number) => {
    const address = base + offset;
    const fields = wide
      ? [number(type, 4), number(4, 4), long(offset), long(address), long(address), long(size), long(size), long(8)]
      : [number(type, 4), long(offset), long(address), long(address), long(size), long(size), number(4, 4), long(8)];
    return Buffer.concat(fields);
  };
  const segments = [segment(1, 0, dynamicAt + dynamic.length), segment(2, dynamicAt, dynamic.length)];
  if (loader !== undefined) segments.push(segment(3, loaderAt, loader.length));
  const header = Buffer.concat([
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    number(3, 2),
    number(machine, 2),
    number(1, 4),
    long(0),
    long(headerSize),
    long(0),
    number(0, 4),
    number(headerSize, 2),
    number(entrySize, 2),
    number(count, 2),
    number(0, 2),
    number(0, 2),
    number(0, 2),
  ]);
  return Buffer.concat([header, ...segments, Buffer.from(strings), loader ?? Buffer.alloc(0), dynamic]);
}
