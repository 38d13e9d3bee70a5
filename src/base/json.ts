/** The canonical JSON text that cache keys are hashes of. */
import { hash } from "node:crypto";

/** What a cache key can hold. */
export type KeyValue =
  | string
  | number
  | boolean
  | null
  | CanonicalText
  | readonly KeyValue[]
  | { readonly [key: string]: KeyValue };

/** The canonical text of a value that many keys hold. */
export class CanonicalText {
  readonly text: string;
  private known: Uint8Array | undefined;

  constructor(value: KeyValue) {
    this.text = canonicalJson(value);
  }

  get bytes(): Uint8Array {
    this.known ??= Buffer.from(this.text, "latin1");
    return this.known;
  }
}

/** `\uXXXX` for everything outside of ASCII, by UTF-16 unit: the text is ASCII only. */
function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return /[\x7f-\uffff]/.test(quoted)
    ? quoted.replace(/[\x80-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : quoted;
}

/** Order by code points; UTF-16 order differs from it above the basic plane. */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let left = a.charCodeAt(i);
    let right = b.charCodeAt(i);
    if (left === right) continue;
    // Surrogates stand for code points above every other unit.
    if (left >= 0xd800 && right >= 0xd800) {
      left = left >= 0xe000 ? left - 0x800 : left + 0x2000;
      right = right >= 0xe000 ? right - 0x800 : right + 0x2000;
    }
    return left - right;
  }
  return a.length - b.length;
}

/** Keys in the order of their code points. They are few, and mostly in order: V8's sort asks for 1.5 KB each time. */
export function sortedKeys(record: object): string[] {
  const keys = Object.keys(record);
  if (keys.length > FEW) return keys.sort(compareCodePoints);
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    for (; at > 0 && compareCodePoints(keys[at - 1] as string, key) > 0; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

const FEW = 20;

/** JSON without white space, keys in the order of their code points, ASCII only. */
export function canonicalJson(value: KeyValue): string {
  if (typeof value === "string") return quote(value);
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof CanonicalText) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const record = value as { readonly [key: string]: KeyValue };
  const members = sortedKeys(record).map((key) => `${quote(key)}:${canonicalJson(record[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical text, as 64 hexadecimal digits. */
export function keyOf(value: KeyValue): string {
  return keyOfText(canonicalJson(value));
}

/** The same of a text that is canonical already. */
export function keyOfText(text: string): string {
  return hash("sha256", text);
}
