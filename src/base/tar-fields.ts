/** The fields of tar headers: text, numbers, sums, PAX records, maps of sparse files. */

/** The bytes are no tar archive, or a damaged one. */
export class TarError extends Error {
  override readonly name = "TarError";
}

export const BLOCK = 512;

export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/** What the key of an extended attribute begins with in PAX records. */
export const XATTR = "SCHILY.xattr.";

/** Key under which the offset and size records of the oldest PAX form are gathered; no archive can have it. */
export const SPARSE_PAIRS = "\0sparse";

/** Bytes after so much content up to the next header. */
export function tarPadding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** A text field ends at its first NUL, if it has one. */
export function until0(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws {@link TarError} for names that are not UTF-8. */
export function text(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new TarError(`a name is not UTF-8: '${bytes.toString("latin1")}'`);
  }
}

/** An octal number, or GNU's binary one. */
export function number(block: Buffer, start: number, length: number): number {
  const field = block.subarray(start, start + length);
  if (field[0] === 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw new TarError("a number in a header is too large");
    return value;
  }
  const digits = until0(field).toString("latin1").trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError("a number in a header is damaged");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The field of an owner or group; 0 for what few can read: most readers have no use for it. */
export function ownerNumber(block: Buffer, start: number): number {
  try {
    return number(block, start, 8);
  } catch (error) {
    if (error instanceof TarError) return 0;
    throw error;
  }
}

export function decimal(digits: string): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TarError("a number in an extended header is damaged");
  return value;
}

export function paxNumber(pax: ReadonlyMap<string, string>, key: string): number | undefined {
  const value = pax.get(key);
  return value === undefined ? undefined : decimal(value);
}

export function readExtents(block: Buffer, start: number, count: number): Extent[] {
  const extents: Extent[] = [];
  for (let i = 0; i < count; i++) {
    const position = start + i * 24;
    if (block[position] === 0) break;
    extents.push({ offset: number(block, position, 12), size: number(block, position + 12, 12) });
  }
  return extents;
}

/** Old archives have sums of signed bytes. */
export function hasChecksum(block: Buffer): boolean {
  let unsigned = 256;
  let signed = 256;
  for (let i = 0; i < BLOCK; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const sum = Number.parseInt(until0(block.subarray(148, 156)).toString("latin1"), 8);
  return sum === unsigned || sum === signed;
}

/** Adds the records `<length> <key>=<value>\n` to each of the maps. */
export function readPax(bytes: Buffer, ...maps: readonly Map<string, string>[]): void {
  const pairs: string[] = [];
  for (let position = 0; position < bytes.length && bytes[position] !== 0; ) {
    const space = bytes.indexOf(0x20, position);
    const length = space < 0 ? 0 : decimal(bytes.toString("latin1", position, space));
    const end = position + length;
    const equals = bytes.indexOf(0x3d, space);
    if (length < 5 || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) {
      throw new TarError("an extended header is damaged");
    }
    const key = text(bytes.subarray(space + 1, equals));
    const raw = bytes.subarray(equals + 1, end - 1);
    // Only names matter; a comment or an owner may be in any encoding.
    const value =
      key === "path" || key === "linkpath" || key === "GNU.sparse.name" ? text(raw) : raw.toString("latin1");
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") pairs.push(value);
    else for (const map of maps) map.set(key, value);
    position = end;
  }
  if (pairs.length > 0) for (const map of maps) map.set(SPARSE_PAIRS, pairs.join(","));
}
