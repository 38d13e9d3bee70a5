/** The text that a key is the hash of, put together in one place: most of it is bytes that other keys hold, too. */
import { hash } from "node:crypto";

const COMMA = ",".charCodeAt(0);

/** @param text ASCII */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export class KeyText {
  private bytes = Buffer.allocUnsafe(1 << 16);
  private length = 0;

  /** Forgets what there was. */
  begin(): this {
    this.length = 0;
    return this;
  }

  /** @param text canonical JSON, which is ASCII */
  add(text: string): this {
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, "latin1");
    return this;
  }

  /** @param length how many of the bytes are added */
  addBytes(bytes: Uint8Array, length = bytes.length): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += length;
    return this;
  }

  /** Takes back the comma that stands last, if one does. */
  dropComma(): this {
    if (this.bytes[this.length - 1] === COMMA) this.length--;
    return this;
  }

  /** SHA-256, as 64 hexadecimal digits. */
  hash(): string {
    return hash("sha256", this.bytes.subarray(0, this.length));
  }

  private reserve(length: number): void {
    if (this.length + length <= this.bytes.length) return;
    const longer = Buffer.allocUnsafe(Math.max(this.length + length, this.bytes.length * 2));
    longer.set(this.bytes.subarray(0, this.length));
    this.bytes = longer;
  }
}
