/** The text that a key is the hash of, put together in one place: most of it is bytes that other keys hold, too. */
import { hash } from "node:crypto";
import { CanonicalText, canonicalJson, type KeyValue, sortedKeys } from "../base/json.ts";

const COMMA = ",".charCodeAt(0);

/** @param text ASCII */
export function ascii(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export class KeyText {
  private bytes = Buffer.allocUnsafe(1 << 16);
  private count = 0;

  /** Forgets what there was. */
  begin(): this {
    this.count = 0;
    return this;
  }

  /** @param text canonical JSON, which is ASCII */
  add(text: string): this {
    this.reserve(text.length);
    this.count += this.bytes.write(text, this.count, "latin1");
    return this;
  }

  /** @param length how many of the bytes are added */
  addBytes(bytes: Uint8Array, length = bytes.length): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.count);
    this.count += length;
    return this;
  }

  /** Adds the members of an object, in their canonical order. */
  addMembers(fields: { readonly [name: string]: KeyValue }): this {
    let pending = "";
    for (const name of sortedKeys(fields)) {
      const value = fields[name] ?? null;
      pending += `${canonicalJson(name)}:`;
      if (value instanceof CanonicalText) {
        this.add(pending).addBytes(value.bytes);
        pending = ",";
      } else {
        pending += `${canonicalJson(value)},`;
      }
    }
    return this.add(pending).dropComma();
  }

  /** Adds what another text holds from a place on. */
  addFrom(other: KeyText, start: number): this {
    return this.addBytes(other.bytes.subarray(start, other.count));
  }

  /** In bytes. */
  get length(): number {
    return this.count;
  }

  /** Takes back the comma that stands last, if one does. */
  dropComma(): this {
    if (this.bytes[this.count - 1] === COMMA) this.count--;
    return this;
  }

  /** SHA-256, as 64 hexadecimal digits. */
  hash(): string {
    return hash("sha256", this.bytes.subarray(0, this.count));
  }

  private reserve(length: number): void {
    if (this.count + length <= this.bytes.length) return;
    const longer = Buffer.allocUnsafe(Math.max(this.count + length, this.bytes.length * 2));
    longer.set(this.bytes.subarray(0, this.count));
    this.bytes = longer;
  }
}
