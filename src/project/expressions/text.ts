/** Values of conditions as text, as Python's `str` and `repr` write them, and text as Python's methods treat it. */
import { Dict, Failure, failUndefined, Sequence, Undefined, type Value } from "./values.ts";

function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = exponent < 0 ? value.toFixed(mantissa.replace(/\D/g, "").length - 1 - exponent) : String(value);
  const text = Object.is(value, -0) ? "-0" : digits;
  return text.includes(".") ? text : `${text}.0`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\\", "\\\\"],
]);

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\p{C}\p{Z}]|['"]/gu, (char) => {
    if (char === " ") return char;
    if (char === "'" || char === '"') return char === quote ? `\\${char}` : char;
    const code = char.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code < 0x100) return ESCAPES.get(char) ?? `\\x${hex.padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
  return quote + escaped + quote;
}

function representation(value: Value): string {
  if (typeof value === "string") return quoted(value);
  return value instanceof Undefined ? "Undefined" : textOf(value);
}

export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return floatText(value);
  if (value instanceof Undefined) return value.isLenient ? "" : failUndefined(value);
  if (value instanceof Dict) {
    return `{${value.entries.map((entry) => entry.map(representation).join(": ")).join(", ")}}`;
  }
  if (!(value instanceof Sequence)) throw new Failure("A method has no text");
  const items = value.items.map(representation).join(", ");
  if (value.kind === "list") return `[${items}]`;
  return value.items.length === 1 ? `(${items},)` : `(${items})`;
}

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES = new RegExp(`[${SPACE}]+`, "u");
const LEADING = new RegExp(`^[${SPACE}]+`, "u");
const TRAILING = new RegExp(`[${SPACE}]+$`, "u");

/** Without the characters of `chars`, or else white space, at the chosen ends. */
export function strip(text: string, chars: string | null, ends: "both" | "left" | "right" = "both"): string {
  if (chars === null) {
    const rest = ends === "right" ? text : text.replace(LEADING, "");
    return ends === "left" ? rest : rest.replace(TRAILING, "");
  }
  const set = new Set(chars);
  const points = [...text];
  let start = 0;
  let end = points.length;
  if (ends !== "right") while (start < end && set.has(points[start] ?? "")) start++;
  if (ends !== "left") while (end > start && set.has(points[end - 1] ?? "")) end--;
  return points.slice(start, end).join("");
}

/** The words of a text, or its parts between separators. */
export function split(text: string, separator: string | null): string[] {
  if (separator === "") throw new Failure("The separator is empty");
  if (separator !== null) return text.split(separator);
  const stripped = strip(text, null);
  return stripped === "" ? [] : stripped.split(SPACES);
}

export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** Whether all letters that have a case are of this one, and there is one. */
export function isCased(text: string, letterCase: "lower" | "upper"): boolean {
  const lower = /\p{Lowercase}/u.test(text);
  const upper = /\p{Uppercase}/u.test(text);
  return !/\p{Lt}/u.test(text) && (letterCase === "lower" ? lower && !upper : upper && !lower);
}

/** As `int(text)` reads it. */
export function parseInteger(text: string): bigint | undefined {
  const digits = strip(text, null);
  if (!/^[+-]?\d+(_\d+)*$/.test(digits)) return undefined;
  const value = BigInt(digits.replace(/[_+-]/g, ""));
  return digits.startsWith("-") ? -value : value;
}

/** As `float(text)` reads it. */
export function parseFloating(text: string): number | undefined {
  const digits = strip(text, null).toLowerCase();
  const name = /^([+-]?)(inf(?:inity)?|nan)$/.exec(digits);
  if (name !== null) return (name[1] === "-" ? -1 : 1) * (name[2] === "nan" ? Number.NaN : Infinity);
  const group = "\\d+(?:_\\d+)*";
  if (!new RegExp(`^[+-]?(?:${group}\\.?(?:${group})?|\\.${group})(?:e[+-]?${group})?$`).test(digits)) return undefined;
  return Number(digits.replaceAll("_", ""));
}
