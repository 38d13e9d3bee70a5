/** YAML text of nodes and plain data, byte for byte as BuildStream writes it: such texts are hashed and compared. */
import { MappingNode, type Node, ScalarNode, SequenceNode } from "./node.ts";

export type Emittable =
  | Node
  | string
  | readonly Emittable[]
  | ReadonlyMap<string, Emittable>
  | { readonly [key: string]: Emittable };

/** Lines are folded where a word begins behind this column. */
const WIDTH = 9999;
const INDENT = 2;
/** Longer keys are written as `? key`. The limit of 128 characters includes the tag `!!str`, which is never seen. */
const MAX_KEY_LENGTH = 122;

/** The text of a dictionary or list, in block style, with keys in their order. Every scalar is text. */
export function emitYaml(value: Emittable): string {
  const emitter = new Emitter();
  emitter.node(value, "root");
  return emitter.finish();
}

function textOf(value: Emittable): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof ScalarNode ? value.value : undefined;
}

function itemsOf(value: Emittable): readonly Emittable[] | undefined {
  if (Array.isArray(value)) return value;
  return value instanceof SequenceNode ? value.items : undefined;
}

function entriesOf(value: Emittable): [string, Emittable][] {
  if (value instanceof MappingNode) return [...value.entries];
  if (value instanceof Map) return [...value];
  return Object.entries(value);
}

// Where a plain scalar would be read as something else, or as nothing at all. Some characters that are no white space
// elsewhere count as breaks here, as they did in YAML 1.1.
const NOT_PLAIN = new RegExp(
  [
    /^(?:---|\.\.\.)/,
    /^[#,[\]{}&*!|>'"%@`]/,
    /^[-?](?=[\0 \t\r\n\x85\u2028\u2029]|$)/,
    /:(?=[\0 \t\r\n\x85\u2028\u2029]|$)/,
    /[\0 \t\r\n\x85\u2028\u2029]#/,
    /^ | $/,
    /[\n\x85\u2028\u2029]/,
  ]
    .map(({ source }) => source)
    .join("|"),
);
const BREAK = /[\n\x85\u2028\u2029]/;
const SPACE_AT_BREAK = /[\n\x85\u2028\u2029] | [\n\x85\u2028\u2029]/;
const SPECIAL = /[^\n\x20-\x7e\x85\xa0-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** What double quotes escape. */
const ESCAPED = /["\\\x85\u2028\u2029\ufeff]|[^\x20-\x7e\xa0-\ufffd\u{10000}-\u{10ffff}]/gu;
const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\0", "0"],
  ["\x07", "a"],
  ["\b", "b"],
  ["\t", "t"],
  ["\n", "n"],
  ["\v", "v"],
  ["\f", "f"],
  ["\r", "r"],
  ["\x1b", "e"],
  ['"', '"'],
  ["\\", "\\"],
  ["\x85", "N"],
  ["\xa0", "_"],
  ["\u2028", "L"],
  ["\u2029", "P"],
]);

function escapeCharacter(character: string): string {
  const name = NAMED_ESCAPES.get(character);
  if (name !== undefined) return `\\${name}`;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

type Style = "plain" | "single" | "double";

function styleOf(text: string, isKey: boolean): Style {
  const isMultiline = BREAK.test(text);
  const isSpecial = SPECIAL.test(text);
  const isPlain = text === "" || !(isSpecial || isMultiline || NOT_PLAIN.test(text));
  if (isPlain && !(isKey && text === "")) return "plain";
  if (/['\n]/.test(text) || isSpecial || SPACE_AT_BREAK.test(text)) return "double";
  return isKey && isMultiline ? "double" : "single";
}

/** A text as it can stand on a line among others, in a list or dictionary in brackets where `isFlow`. */
export function inlineScalar(text: string, isFlow: boolean): string {
  const style = styleOf(text, text === "");
  if (style === "plain" && !(isFlow && /[,[\]{}]|^[-?:]$/.test(text))) return text;
  if (style === "double" || BREAK.test(text)) return `"${text.replace(ESCAPED, escapeCharacter)}"`;
  return `'${text.replaceAll("'", "''")}'`;
}

const isAscii = (text: string) => !/[^\0-\x7f]/.test(text);
const lengthOf = (text: string) => (isAscii(text) ? text.length : [...text].length);

/** Where a node stands, which decides how its first line is joined to what is before it. */
type Context = "root" | "item" | "value";

class Emitter {
  private text = "";
  private column = 0;
  private indent = 0;
  /** Whether nothing needs a space before it here. */
  private isSpaced = true;
  /** Whether the line has nothing but indentation, dashes and question marks so far. */
  private isIndentation = true;

  node(value: Emittable, context: Context): void {
    const text = textOf(value);
    const items = itemsOf(value);
    if (text !== undefined) this.indented(INDENT, () => this.scalar(text, context));
    else if (items !== undefined) this.sequence(items, context);
    else this.mapping(entriesOf(value), context);
  }

  finish(): string {
    this.startLine();
    return this.text;
  }

  private indented(by: number, write: () => void): void {
    this.indent += by;
    write();
    this.indent -= by;
  }

  private sequence(items: readonly Emittable[], context: Context): void {
    if (items.length === 0) {
      this.empty("[]");
      return;
    }
    const isIndented = context === "item" || (context === "value" && this.isIndentation);
    this.indented(isIndented ? INDENT : 0, () => {
      for (const item of items) {
        this.startLine();
        this.indicator("-", { isStart: true });
        this.node(item, "item");
      }
    });
  }

  private mapping(entries: readonly [string, Emittable][], context: Context): void {
    if (entries.length === 0) {
      this.empty("{}");
      return;
    }
    this.indented(context === "root" ? 0 : INDENT, () => {
      for (const [key, value] of entries) {
        this.startLine();
        if (lengthOf(key) <= MAX_KEY_LENGTH && !BREAK.test(key)) {
          this.indented(INDENT, () => this.scalar(key, "key"));
          this.indicator(":", { isAttached: true });
        } else {
          this.indicator("?", { isStart: true });
          this.node(key, "value");
          this.startLine();
          this.indicator(":", { isStart: true });
        }
        this.node(value, "value");
      }
    });
  }

  private empty(brackets: string): void {
    this.indicator(brackets);
    this.breakLine("\n");
  }

  private scalar(text: string, context: Context | "key"): void {
    if (context === "item") this.startLine();
    const style = styleOf(text, context === "key");
    if (style === "plain") this.plain(text);
    else if (style === "single") this.single(text);
    else this.double(text, context !== "key");
  }

  private write(text: string): void {
    this.text += text;
    this.column += lengthOf(text);
  }

  private indicator(text: string, { isStart = false, isAttached = false } = {}): void {
    this.write(this.isSpaced || isAttached ? text : ` ${text}`);
    this.isSpaced = false;
    this.isIndentation &&= isStart;
  }

  private breakLine(text: string): void {
    this.text += text;
    this.column = 0;
    this.isSpaced = true;
    this.isIndentation = true;
  }

  /** Goes to the indentation, on a new line unless only such things as dashes are on this one. */
  private startLine(): void {
    const { column, indent } = this;
    if (!this.isIndentation || column > indent || (column === indent && !this.isSpaced)) this.breakLine("\n");
    if (this.column >= indent) return;
    this.write(" ".repeat(indent - this.column));
    this.isSpaced = true;
  }

  private fold(): void {
    this.startLine();
    this.isSpaced = false;
    this.isIndentation = false;
  }

  private plain(text: string): void {
    if (text === "") return;
    if (!this.isSpaced) this.write(" ");
    this.isSpaced = false;
    this.isIndentation = false;
    if (this.column + text.length <= WIDTH) {
      this.write(text);
      return;
    }
    for (const part of text.match(/ +|[^ ]+/g) ?? []) {
      if (part === " " && this.column >= WIDTH) {
        this.fold();
        continue;
      }
      // A word that is longer than a line gets lines of its own.
      if (!part.startsWith(" ") && this.column + lengthOf(part) > WIDTH && this.column > this.indent) this.startLine();
      this.write(part);
    }
  }

  private single(text: string): void {
    this.indicator("'");
    let position = 0;
    for (const part of text.match(/ +|[\x85\u2028\u2029]+|[^ \x85\u2028\u2029]+/g) ?? []) {
      const isInside = position > 0 && position + part.length < text.length;
      position += part.length;
      if (BREAK.test(part)) {
        for (const character of part) this.breakLine(character);
        this.startLine();
      } else if (part === " " && isInside && this.column > WIDTH) this.startLine();
      else this.write(part);
    }
    this.indicator("'", { isAttached: true });
  }

  private double(text: string, mayFold: boolean): void {
    this.indicator('"');
    const escaped = text.replace(ESCAPED, escapeCharacter);
    if (!mayFold || this.column + escaped.length <= WIDTH) this.write(escaped);
    else this.folded([...text]);
    this.indicator('"', { isAttached: true });
  }

  /** Lines are folded at spaces and behind escaped characters; a backslash keeps a fold from being read as a space. */
  private folded(characters: readonly string[]): void {
    const { length } = characters;
    // Where what is not written yet begins: behind `at` if the character there was escaped.
    let start = 0;
    for (let at = 0; at <= length; at++) {
      const character = characters[at];
      const escaped = character?.replace(ESCAPED, escapeCharacter) ?? "";
      if (escaped !== character) {
        this.write(characters.slice(start, at).join("") + escaped);
        start = character === undefined ? at : at + 1;
      }
      const canFold = at > 0 && at < length - 1 && (character === " " || start >= at);
      if (!canFold || this.column + at - start <= WIDTH) continue;
      const backslash = start !== at && isReadAsSpace(characters, at) ? "" : "\\";
      this.write(characters.slice(start, at).join("") + backslash);
      start = Math.max(start, at);
      this.fold();
      if (characters[start] !== " ") continue;
      if (backslash === "") start++;
      else this.write(backslash);
    }
  }
}

/** Whether a fold can stand for the next space behind `at`. */
function isReadAsSpace(characters: readonly string[], at: number): boolean {
  const space = characters.indexOf(" ", at);
  const next = characters[space + 1];
  if (space < 0 || next === undefined || next === " " || next === "\n") return false;
  const isSecondSpace = characters[at] === " " && characters[at - 1] === " ";
  return !isSecondSpace && !characters.slice(at, space).some((character) => /["'\n]/.test(character));
}
