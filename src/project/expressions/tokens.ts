/** Takes the text of a condition apart into Jinja2's tokens. */
import { Failure } from "./values.ts";

export type Token =
  | { readonly type: "name" | "operator"; readonly text: string }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "integer"; readonly value: bigint }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "end" };

const SPACE = /\s+/y;
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{ID_Continue}]+/uy;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy;
const OPERATOR = /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y;

const ESCAPE = /\\(?:\n|[0-7]{1,3}|x(?<x>[\da-fA-F]{0,2})|u(?<u>[\da-fA-F]{0,4})|U(?<U>[\da-fA-F]{0,8})|(?<c>.))/gsu;
const CONTROLS: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  '"': '"',
  "\\": "\\",
};

function unescaped(quoted: string): string {
  return quoted.slice(1, -1).replace(ESCAPE, (sequence, x?: string, u?: string, U?: string, c?: string) => {
    if (sequence === "\\\n") return "";
    if (c !== undefined) {
      if (c === "N") throw new Failure("Characters cannot be given by their name");
      return CONTROLS[c] ?? sequence;
    }
    const code = x ?? u ?? U;
    if (code === undefined) return String.fromCodePoint(Number.parseInt(sequence.slice(1), 8));
    const value = Number.parseInt(code, 16);
    if (sequence.length !== { x: 4, u: 6, U: 10 }[sequence.charAt(1)] || value > 0x10ffff) {
      throw new Failure(`The escape sequence '${sequence}' is not complete`);
    }
    return String.fromCodePoint(value);
  });
}

/** The last token is of type `end`. */
export function tokenize(expression: string): Token[] {
  const text = expression.replace(/\r\n?/g, "\n");
  const tokens: Token[] = [];
  let position = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) position += found.length;
    return found;
  };
  for (;;) {
    match(SPACE);
    if (position === text.length) break;
    const float = match(FLOAT);
    if (float !== undefined) {
      tokens.push({ type: "float", value: Number(float.replaceAll("_", "")) });
      continue;
    }
    const integer = match(INTEGER);
    if (integer !== undefined) {
      tokens.push({ type: "integer", value: BigInt(integer.replaceAll("_", "")) });
      continue;
    }
    const name = match(NAME);
    if (name !== undefined) {
      if (!/^[\p{ID_Start}_]/u.test(name)) throw new Failure(`'${name}' is not a name`);
      tokens.push({ type: "name", text: name });
      continue;
    }
    const string = match(STRING);
    if (string !== undefined) {
      tokens.push({ type: "string", value: unescaped(string) });
      continue;
    }
    const operator = match(OPERATOR);
    if (operator === undefined)
      throw new Failure(`Unexpected '${String.fromCodePoint(text.codePointAt(position) ?? 0)}'`);
    tokens.push({ type: "operator", text: operator });
  }
  tokens.push({ type: "end" });
  return tokens;
}
