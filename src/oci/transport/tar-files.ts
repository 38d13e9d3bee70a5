/** Files of an image in a tar archive, found by one pass over its headers. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { dirname, join, normalize } from "node:path";
import { DecompressError, decompressed } from "../../base/decompress.ts";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { BLOCK, hasChecksum, number, readPax, TarError, tarPadding, text, until0 } from "../../base/tar-fields.ts";
import { limited, mostBytes } from "../growth.ts";
import { invalidImage } from "../json.ts";
import type { ImageFiles } from "./files.ts";

interface Place {
  readonly offset: number;
  readonly size: number;
}

const PIECE = 1 << 18;
const MAX_HEADER = 1 << 20;
const MAX_FILES = 1_000_000;
/** Links that lead to links. */
const MAX_LINKS = 8;

/**
 * @param temporary a folder for what a compressed archive holds; what is written there goes away at the end
 * @throws BstError domain element
 */
export async function tarFiles(path: string, temporary: string, signal: AbortSignal): Promise<ImageFiles> {
  let file: number;
  try {
    file = fs.openSync(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new BstError("element", `${path} cannot be read`, { reason: "oci-invalid-image", cause: error });
  }
  try {
    if (isCompressed(file)) {
      const plain = await decompress(path, temporary, signal);
      fs.closeSync(file);
      file = plain;
    }
    return new TarFiles(path, file, readIndex(file));
  } catch (error) {
    fs.closeSync(file);
    const isKnown =
      error instanceof TarError || error instanceof DecompressError || systemErrorCode(error) !== undefined;
    if (!isKnown || !(error instanceof Error)) throw error;
    throw invalidImage(`${path} cannot be read: ${error.message}`);
  }
}

/** A tar begins with a header, whose sum is right; anything else may be a compressed one. */
function isCompressed(file: number): boolean {
  const block = Buffer.alloc(BLOCK);
  return fs.readSync(file, block, 0, BLOCK, 0) === BLOCK && !hasChecksum(block);
}

/** @returns an open file that has no name any more */
async function decompress(path: string, temporary: string, signal: AbortSignal): Promise<number> {
  fs.mkdirSync(temporary, { recursive: true });
  const name = join(
    temporary,
    `image-${createHash("sha256").update(`${path} ${process.pid} ${Date.now()}`).digest("hex")}`,
  );
  const file = fs.openSync(name, "wx+", 0o600);
  fs.unlinkSync(name);
  try {
    const most = mostBytes(fs.statSync(path).size);
    for await (const piece of limited(decompressed(path, signal), most)) {
      for (let done = 0; done < piece.length; ) done += fs.writeSync(file, piece, done);
    }
    return file;
  } catch (error) {
    fs.closeSync(file);
    throw error;
  }
}

interface Entries {
  readonly files: ReadonlyMap<string, Place>;
  /** Path → path, as docker writes a layer that it has twice. */
  readonly links: ReadonlyMap<string, string>;
}

function readIndex(file: number): Entries {
  const files = new Map<string, Place>();
  const links = new Map<string, string>();
  const block = Buffer.alloc(BLOCK);
  const { size: end } = fs.fstatSync(file);
  let pax = new Map<string, string>();
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let at = 0; at + BLOCK <= end; ) {
    fs.readSync(file, block, 0, BLOCK, at);
    at += BLOCK;
    if (block.every((byte) => byte === 0)) break;
    if (!hasChecksum(block)) throw new TarError("a header is damaged");
    const flag = String.fromCharCode(block[156] ?? 0);
    const size = Number(pax.get("size") ?? number(block, 124, 12));
    if (!Number.isSafeInteger(size) || size < 0 || at + size > end)
      throw new TarError("it ends in the middle of a member");
    const content = () => {
      if (size > MAX_HEADER) throw new TarError("a header is too long");
      const bytes = Buffer.alloc(size);
      fs.readSync(file, bytes, 0, size, at);
      return bytes;
    };
    if (flag === "x") readPax(content(), pax);
    else if (flag === "L") longName = text(until0(content()));
    else if (flag === "K") longLink = text(until0(content()));
    else if (flag !== "g") {
      const prefix = text(until0(block.subarray(345, 500)));
      const short = text(until0(block.subarray(0, 100)));
      const name = clean(pax.get("path") ?? longName ?? (prefix === "" ? short : `${prefix}/${short}`));
      const link = pax.get("linkpath") ?? longLink ?? text(until0(block.subarray(157, 257)));
      if (flag === "0" || flag === "\0" || flag === "7") files.set(name, { offset: at, size });
      else if (flag === "1") links.set(name, clean(link));
      else if (flag === "2") links.set(name, clean(join(dirname(name), link)));
      if (files.size + links.size > MAX_FILES) throw new TarError("it has too many members");
      pax = new Map();
      longName = longLink = undefined;
    }
    at += flag === "1" || flag === "2" || flag === "5" ? 0 : size + tarPadding(size);
  }
  return { files, links };
}

function clean(path: string): string {
  return normalize(path).replace(/^(?:\.?\/)+/, "");
}

class TarFiles implements ImageFiles {
  readonly name: string;
  readonly #file: number;
  readonly #entries: Entries;

  constructor(name: string, file: number, entries: Entries) {
    this.name = name;
    this.#file = file;
    this.#entries = entries;
  }

  sizeOf(path: string): number | undefined {
    return this.#find(path)?.size;
  }

  async *read(path: string): AsyncGenerator<Buffer> {
    const place = this.#find(path);
    if (place === undefined) throw invalidImage(`${this.name} has no file ${path}`);
    const end = place.offset + place.size;
    for (let at = place.offset; at < end; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, end - at));
      const count = fs.readSync(this.#file, piece, 0, piece.length, at);
      if (count === 0) throw invalidImage(`${this.name} changes while it is read`);
      at += count;
      yield piece.subarray(0, count);
    }
  }

  #find(path: string): Place | undefined {
    let name = clean(path);
    for (let links = 0; links <= MAX_LINKS; links++) {
      const place = this.#entries.files.get(name);
      if (place !== undefined) return place;
      const target = this.#entries.links.get(name);
      if (target === undefined) return undefined;
      name = target;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#file);
  }
}
