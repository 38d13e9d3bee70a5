/** Reads tar archives as a stream: ustar, GNU and PAX headers, long names, sparse files of every kind. */
import { ByteReader } from "./byte-reader.ts";
import {
  BLOCK,
  decimal,
  type Extent,
  hasChecksum,
  number,
  ownerNumber,
  paxNumber,
  readExtents,
  readPax,
  SPARSE_PAIRS,
  TarError,
  tarPadding,
  text,
  until0,
  XATTR,
} from "./tar-fields.ts";

export type TarMemberType = "file" | "directory" | "symlink" | "hardlink" | "device" | "unknown";

export interface TarMember {
  /** As the archive has it, without slashes at the end of a directory's. */
  readonly name: string;
  readonly type: TarMemberType;
  /** The permission bits of the header, with setuid, setgid and sticky. */
  readonly mode: number;
  /** Bytes of content, holes of sparse files included; 0 for all but files. */
  readonly size: number;
  /** Of hard and symbolic links, else empty. */
  readonly linkName: string;
}

/** What an archive says of a member besides. */
export interface OwnedMember extends TarMember {
  /** Numbers of owner and group. */
  readonly uid: number;
  readonly gid: number;
  /** Extended attributes by full name; values as latin1, a character for each byte. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/**
 * How an archive may end: a `layer` as container engines read it, where the last member may lack its padding, and a header
 * is whole; any other as Python and GNU tar read it, the other way round.
 */
export type TarKind = "archive" | "layer";

/** Longer headers than this are an attack on memory. */
const MAX_HEADER = 1 << 20;
const ZEROS = Buffer.alloc(1 << 16);

const TYPES: Readonly<Record<string, TarMemberType>> = {
  "\0": "file",
  "0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "device",
  "4": "device",
  "5": "directory",
  "6": "device",
};

interface Header {
  name: string;
  flag: string;
  mode: number;
  size: number;
  linkName: string;
  uid: number;
  gid: number;
}

/** `for (let m = await reader.next(); m !== undefined; m = await reader.next())`, reading content or not in between. */
export class TarReader {
  readonly #bytes: ByteReader;
  readonly #kind: TarKind;
  readonly #global = new Map<string, string>();
  /** Bytes of the archive that belong to the member and were not read. */
  #stored = 0;
  #padding = 0;
  #size = 0;
  #extents: readonly Extent[] | undefined;
  #started = false;

  constructor(source: AsyncIterable<Uint8Array>, kind: TarKind = "archive") {
    this.#bytes = new ByteReader(source);
    this.#kind = kind;
  }

  /** The next member, or undefined at the end. Throws {@link TarError}. */
  async next(): Promise<OwnedMember | undefined> {
    await this.#bytes.skip(this.#stored);
    if (this.#kind === "layer") await this.#bytes.takeUpTo(this.#padding);
    else await this.#bytes.skip(this.#padding);
    this.#stored = this.#padding = 0;
    const pax = new Map(this.#global);
    let longName: string | undefined;
    let longLink: string | undefined;
    for (let plain = true; ; plain = false) {
      const header = await this.#header(plain);
      if (header === undefined) {
        if (!plain) throw new TarError("it ends after a header that announces another");
        return undefined;
      }
      if (header.flag === "L") longName = text(until0(await this.#extra(header.size)));
      else if (header.flag === "K") longLink = text(until0(await this.#extra(header.size)));
      else if (header.flag === "g") readPax(await this.#extra(header.size), this.#global, pax);
      else if (header.flag === "x" || header.flag === "X") readPax(await this.#extra(header.size), pax);
      else {
        if (longName !== undefined) header.name = longName;
        if (longLink !== undefined) header.linkName = longLink;
        return this.#member(header, pax);
      }
    }
  }

  /** The content of the member that `next` gave, in pieces that are valid until the next one is asked for. */
  async *content(): AsyncGenerator<Buffer> {
    let position = 0;
    for (const { offset, size } of this.#extents ?? [{ offset: 0, size: this.#size }]) {
      yield* holes(offset - position);
      for (let rest = size; rest > 0; ) {
        const piece = await this.#bytes.some(rest);
        this.#stored -= piece.length;
        rest -= piece.length;
        yield piece;
      }
      position = offset + size;
    }
    yield* holes(this.#size - position);
  }

  /** The same content as one buffer. */
  async bytes(): Promise<Buffer> {
    if (this.#extents === undefined) {
      const whole = await this.#bytes.take(this.#size);
      this.#stored = 0;
      return whole;
    }
    const pieces: Buffer[] = [];
    for await (const piece of this.content()) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }

  async #member(header: Header, pax: ReadonlyMap<string, string>): Promise<OwnedMember> {
    const type = TYPES[header.flag] ?? "unknown";
    let name = pax.get("GNU.sparse.name") ?? pax.get("path") ?? header.name;
    if (type === "directory" || pax.has("path")) name = name.replace(/\/+$/, "");
    const linkName = type === "hardlink" || type === "symlink" ? (pax.get("linkpath") ?? header.linkName) : "";
    const stored = paxNumber(pax, "size") ?? header.size;
    const hasContent = type === "file" || type === "unknown";
    this.#extents = undefined;
    this.#size = type === "file" ? stored : 0;
    this.#stored = hasContent ? stored : 0;
    this.#padding = hasContent ? tarPadding(stored) : 0;
    if (header.flag === "S") await this.#oldSparse();
    else if (type === "file") await this.#paxSparse(pax);
    const uid = paxNumber(pax, "uid") ?? header.uid;
    const gid = paxNumber(pax, "gid") ?? header.gid;
    return { name, type, mode: header.mode, size: this.#size, linkName, uid, gid, xattrs: xattrsOf(pax) };
  }

  /** GNU's own form: a map in the header and in the blocks after it. */
  async #oldSparse(): Promise<void> {
    let block = this.#lastHeader;
    const extents = readExtents(block, 386, 4);
    this.#size = number(block, 483, 12);
    let more = block[482] !== 0;
    while (more) {
      block = await this.#bytes.take(BLOCK);
      extents.push(...readExtents(block, 0, 21));
      if (extents.length > MAX_HEADER) throw new TarError("a sparse file has too many parts");
      more = block[504] !== 0;
    }
    this.#setExtents(extents);
  }

  /** The three forms that are told by PAX headers; the last keeps its map in the content's first blocks. */
  async #paxSparse(pax: ReadonlyMap<string, string>): Promise<void> {
    const real = paxNumber(pax, "GNU.sparse.realsize") ?? paxNumber(pax, "GNU.sparse.size");
    const map = pax.get("GNU.sparse.map") ?? pax.get(SPARSE_PAIRS);
    let numbers: number[];
    if (map !== undefined) {
      numbers = map === "" ? [] : map.split(",").map(decimal);
    } else if (pax.get("GNU.sparse.major") === "1" && pax.get("GNU.sparse.minor") === "0") {
      numbers = await this.#contentMap();
    } else {
      if (pax.has("GNU.sparse.major") || pax.has("GNU.sparse.size")) throw new TarError("a sparse file has no map");
      return;
    }
    if (real === undefined) throw new TarError("a sparse file has no size");
    const extents: Extent[] = [];
    for (let i = 0; i < numbers.length; i += 2) extents.push({ offset: numbers[i] ?? 0, size: numbers[i + 1] ?? 0 });
    this.#size = real;
    this.#setExtents(extents);
  }

  async #contentMap(): Promise<number[]> {
    let lines = "";
    const read = async () => {
      if (this.#stored < BLOCK || lines.length > MAX_HEADER) throw new TarError("a sparse file's map is damaged");
      lines += (await this.#bytes.take(BLOCK)).toString("latin1");
      this.#stored -= BLOCK;
    };
    await read();
    let position = 0;
    const line = async () => {
      while (lines.indexOf("\n", position) < 0) await read();
      const end = lines.indexOf("\n", position);
      const value = decimal(lines.slice(position, end));
      position = end + 1;
      return value;
    };
    const numbers: number[] = [];
    for (let count = (await line()) * 2; count > 0; count--) numbers.push(await line());
    return numbers;
  }

  #setExtents(extents: readonly Extent[]): void {
    let end = 0;
    let data = 0;
    for (const { offset, size } of extents) {
      if (offset < end || offset + size > this.#size) throw new TarError("a sparse file's map is damaged");
      end = offset + size;
      data += size;
    }
    if (data > this.#stored) throw new TarError("a sparse file's map is damaged");
    this.#extents = extents;
  }

  async #extra(size: number): Promise<Buffer> {
    if (size > MAX_HEADER) throw new TarError("a header is too long");
    const bytes = Buffer.from(await this.#bytes.take(size));
    await this.#bytes.skip(tarPadding(size));
    return bytes;
  }

  #lastHeader: Buffer = ZEROS;

  /** Undefined at the archive's end: a block of zeros, or no further block. */
  async #header(plain: boolean): Promise<Header | undefined> {
    const block = await this.#bytes.takeUpTo(BLOCK);
    if (block.length < BLOCK) {
      if (!this.#started) throw new TarError("it is empty or shorter than a header");
      if (this.#kind === "layer" && block.length > 0) throw new TarError("it ends in the middle of a header");
      return undefined;
    }
    if (block.equals(ZEROS.subarray(0, BLOCK))) return undefined;
    if (!hasChecksum(block)) throw new TarError(this.#started ? "a header is damaged" : "it is no tar archive");
    this.#started = true;
    // The next read may reuse the memory.
    this.#lastHeader = Buffer.from(block);
    const flag = String.fromCharCode(block[156] ?? 0);
    const prefix = text(until0(block.subarray(345, 500)));
    let name = text(until0(block.subarray(0, 100)));
    // Before ustar, a slash was all that told a directory from a file.
    const directory = flag === "5" || (flag === "\0" && plain && name.endsWith("/"));
    if (directory) name = name.replace(/\/+$/, "");
    if (prefix !== "" && flag !== "S" && flag !== "L" && flag !== "K") name = `${prefix}/${name}`;
    return {
      name,
      flag: directory ? "5" : flag,
      mode: number(block, 100, 8),
      size: number(block, 124, 12),
      linkName: text(until0(block.subarray(157, 257))),
      uid: ownerNumber(block, 108),
      gid: ownerNumber(block, 116),
    };
  }
}

const NO_XATTRS: Readonly<Record<string, string>> = {};

function xattrsOf(pax: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const found = [...pax].filter(([key]) => key.startsWith(XATTR));
  if (found.length === 0) return NO_XATTRS;
  return Object.fromEntries(found.map(([key, value]) => [key.slice(XATTR.length), value]));
}

function* holes(size: number): Generator<Buffer> {
  for (let rest = size; rest > 0; rest -= ZEROS.length) yield ZEROS.subarray(0, Math.min(rest, ZEROS.length));
}
