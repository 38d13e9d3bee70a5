/** Reads data that is written down as Python or Starlark code, without executing it. */

export type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

/** The text is something else than data. */
export class LiteralError extends Error {
  override readonly name = "LiteralError";
}

const DEEPEST = 100;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

/** The value that a file of the form `name = value` gives a name. @throws LiteralError */
export function readAssignment(text: string, name: string): Literal {
  const reader = new LiteralReader(text);
  return reader.assignment(name);
}

class LiteralReader {
  readonly #text: string;
  #place = 0;

  constructor(text: string) {
    this.#text = text;
  }

  assignment(name: string): Literal {
    if (this.#match(/\w+/y)?.[0] !== name) throw this.#error(`'${name} = …'`);
    this.#expect("=");
    const value = this.#value(0);
    this.#skip();
    if (this.#place < this.#text.length) throw this.#error("the end");
    return value;
  }

  #value(depth: number): Literal {
    if (depth > DEEPEST) throw this.#error("fewer levels");
    if (this.#take("[")) return this.#items("]", depth);
    if (this.#take("(")) return this.#items(")", depth);
    if (this.#take("{")) return this.#members(depth);
    const number = this.#match(/[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (number !== undefined) return Number(number[0]);
    const word = this.#match(/True|False|None/y);
    if (word !== undefined) return word[0] === "None" ? null : word[0] === "True";
    return this.#string();
  }

  #items(end: string, depth: number): Literal[] {
    const items: Literal[] = [];
    while (!this.#take(end)) {
      items.push(this.#value(depth + 1));
      if (this.#take(",")) continue;
      this.#expect(end);
      break;
    }
    return items;
  }

  #members(depth: number): Map<string, Literal> {
    const members = new Map<string, Literal>();
    while (!this.#take("}")) {
      const key = this.#value(depth + 1);
      this.#expect(":");
      members.set(String(key), this.#value(depth + 1));
      if (this.#take(",")) continue;
      this.#expect("}");
      break;
    }
    return members;
  }

  /** Texts that follow each other are one. */
  #string(): string {
    let text: string | undefined;
    for (;;) {
      const match = this.#match(
        /(?:"""((?:[^\\]|\\.)*?)"""|'''((?:[^\\]|\\.)*?)'''|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')/sy,
      );
      if (match === undefined) break;
      text = (text ?? "") + unescaped(match.slice(1).find((part) => part !== undefined) ?? "");
    }
    if (text === undefined) throw this.#error("a value");
    return text;
  }

  #take(token: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(token, this.#place)) return false;
    this.#place += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#error(`'${token}'`);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    this.#skip();
    pattern.lastIndex = this.#place;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#place = pattern.lastIndex;
    return match;
  }

  /** White space and comments. */
  #skip(): void {
    const space = /(?:\s|#[^\n]*)*/y;
    space.lastIndex = this.#place;
    space.exec(this.#text);
    this.#place = space.lastIndex;
  }

  #error(expected: string): LiteralError {
    const line = this.#text.slice(0, this.#place).split("\n").length;
    return new LiteralError(`line ${line}: ${expected} was expected`);
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([0-7]{1,3})|(.))/gis, (all, x, u, octal, other) => {
    if (x ?? u) return String.fromCharCode(Number.parseInt(x ?? u, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (other === "\n") return "";
    return ESCAPES[other] ?? ("\\'\"".includes(other) ? other : all);
  });
}
