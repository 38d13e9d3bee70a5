/** A tar archive whose members are written side by side: each has its place before its content is here. */
import { writeAll } from "../../base/output-file.ts";
import { TAR_END, tarHeader, tarPadding } from "../../base/tar-header.ts";
import { writing } from "./blob-folder.ts";

const NEVER = 0;
/** Eleven octal digits. */
const MAX_OCTAL = 8 ** 11 - 1;
const SIZE = 124;
const SUM = 148;
const BLOCK = 512;

/** A file's header that needs as much room for each size: a large one is written in binary, as GNU's tar does it. */
export function headerOf(path: string, size: number): Buffer {
  const header = tarHeader({ path, type: "file", mode: 0o644, size: Math.min(size, MAX_OCTAL), mtime: NEVER });
  if (size <= MAX_OCTAL) return header;
  const block = header.subarray(header.length - BLOCK);
  block.fill(0, SIZE, SIZE + 12);
  block[SIZE] = 0x80;
  block.writeBigUInt64BE(BigInt(size), SIZE + 4);
  block.fill(" ", SUM, SUM + 8);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, SUM, "latin1");
  return header;
}

export class TarWriter {
  readonly #path: string;
  readonly #file: number;
  #end = 0;

  /**
   * @param file a descriptor of an empty file that can be written at any position
   * @param path how messages call it
   */
  constructor(file: number, path: string) {
    this.#file = file;
    this.#path = path;
  }

  addDirectory(path: string): void {
    this.#header({ path, type: "directory", mode: 0o755, size: 0 });
  }

  addFile(path: string, bytes: Buffer): void {
    this.#header({ path, type: "file", mode: 0o644, size: bytes.length });
    this.#write(bytes, this.#end);
    this.#end += bytes.length;
    this.#pad(bytes.length);
  }

  /** Takes the place of a file before anything is awaited, so that the order of calls is that of members. */
  async addStream(path: string, size: number, source: () => AsyncIterable<Buffer>): Promise<void> {
    this.#header({ path, type: "file", mode: 0o644, size });
    let at = this.#end;
    this.#end += size;
    this.#pad(size);
    for await (const piece of source()) {
      this.#write(piece, at);
      at += piece.length;
    }
  }

  /** Writes a file whose size shows at its end; nothing else may be added meanwhile. Returns bytes. */
  async addUnknown(path: string, source: AsyncIterable<Buffer>): Promise<number> {
    const header = this.#end;
    this.#header({ path, type: "file", mode: 0o644, size: 0 });
    const start = this.#end;
    for await (const piece of source) {
      this.#write(piece, this.#end);
      this.#end += piece.length;
    }
    const size = this.#end - start;
    this.#write(headerOf(path, size), header);
    this.#pad(size);
    return size;
  }

  finish(): void {
    this.#write(TAR_END, this.#end);
    this.#end += TAR_END.length;
  }

  #header(entry: { path: string; type: "file" | "directory"; mode: number; size: number }): void {
    const bytes = tarHeader({ ...entry, mtime: NEVER });
    this.#write(bytes, this.#end);
    this.#end += bytes.length;
  }

  #pad(size: number): void {
    const padding = TAR_END.subarray(0, tarPadding(size));
    this.#write(padding, this.#end);
    this.#end += padding.length;
  }

  #write(bytes: Uint8Array, position: number): void {
    writing(this.#path, () => writeAll(this.#file, bytes, position));
  }
}
