/** A small writer and reader of the protobuf wire format, enough for REAPI's and BuildStream's messages. */
import { BstError } from "../base/errors.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Appends fields in the order of the calls; call in the order of field numbers to get protobuf's canonical bytes.
 * Scalars of their default value are left out, as proto3 does, unless `always` is set (elements of repeated fields).
 */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  bool(field: number, value: boolean): this {
    return value ? this.int(field, 1) : this;
  }

  /** Any of protobuf's varint integers; a negative number takes ten bytes. */
  int(field: number, value: number | bigint, always = false): this {
    if (!always && (value === 0 || value === 0n)) return this;
    this.#key(field, VARINT);
    if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value)) this.#varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  string(field: number, value: string, always = false): this {
    if (value === "" && !always) return this;
    this.#key(field, LENGTH_DELIMITED);
    const size = Buffer.byteLength(value);
    this.#varint(size);
    this.#reserve(size);
    this.#buffer.write(value, this.#length, size, "utf8");
    this.#length += size;
    return this;
  }

  bytes(field: number, value: Uint8Array, always = false): this {
    if (value.length === 0 && !always) return this;
    this.#key(field, LENGTH_DELIMITED);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** A nested message, written even if `body` writes nothing. */
  message(field: number, body: (writer: ProtoWriter) => void): this {
    this.#key(field, LENGTH_DELIMITED);
    const start = this.#length;
    this.#reserve(1);
    this.#length = start + 1;
    body(this);
    const size = this.#length - start - 1;
    const prefix = varintSize(size);
    if (prefix > 1) {
      this.#reserve(prefix - 1);
      this.#buffer.copyWithin(start + prefix, start + 1, this.#length);
    }
    this.#length = start;
    this.#varint(size);
    this.#length += size;
    return this;
  }

  /** A copy of what was written so far. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #key(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #bigVarint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/**
 * Walks the fields of one message: `while (reader.next()) switch (reader.field) { case 1: …; default: reader.skip(); }`.
 * Each field's value must be read once, by the method for its type. Malformed bytes throw BstError in domain "cas".
 */
export class ProtoReader {
  /** Number of the field whose value comes next. */
  field = 0;
  #wireType = 0;
  #position: number;
  readonly #end: number;
  readonly #buffer: Buffer;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#position = start;
    this.#end = end;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    const key = this.#varint();
    this.field = Math.floor(key / 8);
    this.#wireType = key % 8;
    if (this.field === 0) throw malformed();
    return true;
  }

  bool(): boolean {
    return this.int() !== 0;
  }

  /** A signed 64-bit integer; throws if it is not a safe integer. */
  int(): number {
    this.#expect(VARINT);
    const start = this.#position;
    let value = 0;
    // Up to seven bytes are exact as a number, which is much faster than a bigint.
    for (let factor = 1; factor < 2 ** 49; factor *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    this.#position = start;
    const large = Number(this.bigint());
    if (!Number.isSafeInteger(large)) throw malformed();
    return large;
  }

  bigint(): bigint {
    this.#expect(VARINT);
    return BigInt.asIntN(64, this.#bigVarint());
  }

  string(): string {
    const start = this.#delimited();
    return this.#buffer.toString("utf8", start, this.#position);
  }

  /** Two texts in fields 1 and 2, as names with values are written. */
  pair(): [first: string, second: string] {
    const pair: [string, string] = ["", ""];
    while (this.next()) {
      if (this.field === 1) pair[0] = this.string();
      else if (this.field === 2) pair[1] = this.string();
      else this.skip();
    }
    return pair;
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer {
    const start = this.#delimited();
    return this.#buffer.subarray(start, this.#position);
  }

  /** A reader of the nested message. */
  message(): ProtoReader {
    const start = this.#delimited();
    return new ProtoReader(this.#buffer, start, this.#position);
  }

  skip(): void {
    if (this.#wireType === VARINT) this.#bigVarint();
    else if (this.#wireType === LENGTH_DELIMITED) this.#delimited();
    else if (this.#wireType === FIXED64) this.#advance(8);
    else if (this.#wireType === FIXED32) this.#advance(4);
    else throw malformed();
  }

  /** Start of the value, which ends at the new position. */
  #delimited(): number {
    this.#expect(LENGTH_DELIMITED);
    const size = this.#varint();
    const start = this.#position;
    this.#advance(size);
    return start;
  }

  #advance(size: number): void {
    if (size > this.#end - this.#position) throw malformed();
    this.#position += size;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw malformed();
  }

  #byte(): number {
    const byte = this.#position < this.#end ? this.#buffer[this.#position] : undefined;
    if (byte === undefined) throw malformed();
    this.#position++;
    return byte;
  }

  /** Exact up to 2^53, which is all that keys and lengths need. */
  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 60) throw malformed();
    }
  }

  #bigVarint(): bigint {
    const start = this.#position;
    let byte = this.#byte();
    if (byte < 0x80) return BigInt(byte);
    let value = 0n;
    this.#position = start;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed();
  }
}

function malformed(): BstError {
  return new BstError("cas", "Malformed protocol buffer message");
}
