/** Takes counted bytes from a stream of chunks. */
import { TarError } from "./tar-fields.ts";

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `size`. */
  async some(size: number): Promise<Buffer> {
    if (this.#chunk.length === 0 && !(await this.#more())) throw new TarError("it ends in the middle of a member");
    const piece = this.#chunk.subarray(0, size);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  async take(size: number): Promise<Buffer> {
    const bytes = await this.takeUpTo(size);
    if (bytes.length < size) throw new TarError("it ends in the middle of a member");
    return bytes;
  }

  /** Fewer where the stream has no more. */
  async takeUpTo(size: number): Promise<Buffer> {
    if (this.#chunk.length < size) {
      const pieces: Buffer[] = [];
      let count = 0;
      while (count + this.#chunk.length < size) {
        count += this.#chunk.length;
        pieces.push(this.#chunk);
        if (!(await this.#more())) break;
      }
      this.#chunk = Buffer.concat([...pieces, this.#chunk]);
    }
    const taken = this.#chunk.subarray(0, size);
    this.#chunk = this.#chunk.subarray(size);
    return taken;
  }

  async skip(size: number): Promise<void> {
    for (let rest = size; rest > 0; ) rest -= (await this.some(rest)).length;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      this.#chunk = Buffer.alloc(0);
      return false;
    }
    this.#chunk = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return true;
  }
}
