/** Takes a YAML text apart into tokens, with YAML 1.1's rules for where a key can begin, as libyaml does. */
import { Cursor } from "./cursor.ts";
import { readBlock, readPlain, readQuoted } from "./scalars.ts";

export type TokenType =
  | "version"
  | "tag-directive"
  | "document-start"
  | "document-end"
  | "block-sequence"
  | "block-mapping"
  | "block-end"
  | "["
  | "{"
  | "]"
  | "}"
  | ","
  | "entry"
  | "key"
  | "value"
  | "tag"
  | "scalar"
  | "end";

export interface Token {
  readonly type: TokenType;
  /** Counted from 0. */
  readonly line: number;
  /** Units of the text before it in its line, counted from 0. */
  readonly column: number;
  /** How many units an indicator takes; 0 for a token that no text stands for. */
  readonly length: number;
  /** The text of a scalar, tag or directive, as far as there is one. */
  readonly text: string;
  /** Of a tag, and of a directive that declares one: what the handle stands before, or for. */
  readonly handle: string;
}

/** A place where a key may have begun, which a `:` in the same line confirms. */
interface PossibleKey {
  /** The number of its first token. */
  readonly token: number;
  readonly pos: number;
  readonly line: number;
  readonly column: number;
  /** Whether nothing else than a key can stand there. */
  readonly isRequired: boolean;
}

const LONGEST_KEY = 1024;
const BLANKED = "-?:";
// What no plain scalar begins with.
const INDICATORS = "-?:,[]{}#&*!|>'\"%@`";

const URI = String.raw`(?:[\w\-;/?:@&=+$,.!~*'()[\]]|%[\da-fA-F]{2})`;
const VERSION = /%YAML[ \t]+(\d{1,9})\.(\d{1,9})/y;
const TAG_DIRECTIVE = new RegExp(`%TAG[ \\t]+(!(?:[\\w-]*!)?)[ \\t]+(${URI}+)`, "y");
const HANDLE = /![\w-]*!/y;
const VERBATIM_TAG = new RegExp(`!<(${URI}+)>`, "y");
const SUFFIX = new RegExp(`${URI}+`, "y");
const LOCAL_TAG = new RegExp(`!(${URI}*)`, "y");

export class Scanner {
  private readonly cursor: Cursor;
  private readonly tokens: Token[] = [];
  /** How many tokens were taken. */
  private taken = 0;
  /** Column of the innermost block collection; -1 where there is none. */
  private indent = -1;
  private readonly indents: number[] = [];
  /** One for each bracket that is open, and one for the block around them. */
  private readonly keys: (PossibleKey | undefined)[] = [undefined];
  private canBeginKey = true;

  /** @param text with no end of a line in it that has `\r` */
  constructor(text: string) {
    this.cursor = new Cursor(text);
  }

  /** The next token, which stays the next. */
  peek(): Token {
    for (;;) {
      const token = this.tokens[this.taken];
      if (token !== undefined && !this.mayGetBefore()) return token;
      this.scan();
    }
  }

  take(): Token {
    const token = this.peek();
    this.taken++;
    return token;
  }

  private get isFlow(): boolean {
    return this.keys.length > 1;
  }

  /** Whether the next token may turn out to begin a key, which has a token of its own before it. */
  private mayGetBefore(): boolean {
    this.dropStaleKeys();
    return this.keys.some((key) => key?.token === this.taken);
  }

  private scan(): void {
    const { cursor } = this;
    this.skipToToken();
    this.dropStaleKeys();
    this.unroll(cursor.column);
    const char = cursor.text.charAt(cursor.pos);
    if (cursor.isEnd) this.scanEnd();
    else if (cursor.column === 0 && char === "%") this.scanDirective();
    else if (cursor.isMarker) {
      this.leaveBlocks();
      this.add(char === "-" ? "document-start" : "document-end", 3);
    } else this.scanToken(char);
  }

  private scanToken(char: string): void {
    const { cursor, isFlow } = this;
    const isApart = cursor.isBlankOrEnd(1);
    if (char === "[" || char === "{") {
      this.saveKey();
      this.keys.push(undefined);
      this.canBeginKey = true;
      this.add(char, 1);
    } else if (char === "]" || char === "}") {
      this.dropKey();
      if (isFlow) this.keys.pop();
      this.canBeginKey = false;
      this.add(char, 1);
    } else if (char === ",") {
      this.dropKey();
      this.canBeginKey = true;
      this.add(char, 1);
    } else if (char === "-" && isApart) this.scanEntry();
    else if (char === "?" && (isFlow || isApart)) this.scanKey();
    else if (char === ":" && (isFlow || isApart)) this.scanValue();
    else if (char === "*" || char === "&") throw cursor.fail("Anchors and aliases are not supported");
    else if (char === "!") this.scanTag();
    else if ((char === "|" || char === ">") && !isFlow) {
      this.dropKey();
      this.canBeginKey = true;
      this.addText(() => readBlock(cursor, this.indent));
    } else if (char === "'" || char === '"') {
      this.saveKey();
      this.canBeginKey = false;
      this.addText(() => readQuoted(cursor));
    } else this.scanPlain(char, isApart);
  }

  private scanPlain(char: string, isApart: boolean): void {
    const { cursor, isFlow } = this;
    // A tab can stand here where white space can't.
    const canBegin = BLANKED.includes(char) ? !isApart && (char === "-" || !isFlow) : !INDICATORS.includes(char);
    if (!canBegin || char === "\t") throw cursor.fail(`Nothing can begin with ${JSON.stringify(char)} here`);
    this.saveKey();
    this.canBeginKey = false;
    this.addText(() => {
      const { text, isBroken } = readPlain(cursor, this.indent + 1, isFlow);
      if (isBroken) this.canBeginKey = true;
      return text;
    });
  }

  private skipToToken(): void {
    const { cursor } = this;
    for (;;) {
      if (cursor.column === 0 && cursor.startsWith("\ufeff")) cursor.pos++;
      const canSkipTabs = this.isFlow || !this.canBeginKey;
      while (cursor.startsWith(" ") || (canSkipTabs && cursor.startsWith("\t"))) cursor.pos++;
      if (cursor.startsWith("#")) cursor.skipLine();
      if (cursor.isEnd || !cursor.isBreakOrEnd()) return;
      cursor.breakLine();
      if (!this.isFlow) this.canBeginKey = true;
    }
  }

  private scanEnd(): void {
    // Keys that may have begun in the last line end there.
    if (this.cursor.column > 0) this.cursor.newLine();
    this.leaveBlocks();
    this.add("end", 0);
  }

  private scanDirective(): void {
    const { cursor } = this;
    const { line, column } = cursor;
    this.leaveBlocks();
    const version = cursor.match(VERSION);
    const [, handle = "", prefix = ""] = version === undefined ? (cursor.match(TAG_DIRECTIVE) ?? []) : [];
    if (version === undefined && handle === "") throw cursor.fail("There is no such directive");
    if (version === undefined && !cursor.isBlankOrEnd()) throw cursor.fail("There is no such directive");
    if (!cursor.skipRest()) throw cursor.fail("Only a comment can follow a directive");
    if (!cursor.isEnd) cursor.breakLine();
    const text = version === undefined ? this.decoded(prefix) : `${Number(version[1])}.${Number(version[2])}`;
    const type = version === undefined ? "tag-directive" : "version";
    this.tokens.push({ type, line, column, length: 0, text, handle });
  }

  private scanEntry(): void {
    if (!this.isFlow) {
      if (!this.canBeginKey) throw this.cursor.fail("No list can begin here");
      this.roll(this.cursor, "block-sequence");
    }
    this.dropKey();
    this.canBeginKey = true;
    this.add("entry", 1);
  }

  private scanKey(): void {
    if (!this.isFlow) {
      if (!this.canBeginKey) throw this.cursor.fail("No key can begin here");
      this.roll(this.cursor, "block-mapping");
    }
    this.dropKey();
    this.canBeginKey = !this.isFlow;
    this.add("key", 1);
  }

  private scanValue(): void {
    const key = this.keys.at(-1);
    if (key !== undefined) {
      const { line, column } = key;
      this.tokens.splice(key.token, 0, { type: "key", line, column, length: 0, text: "", handle: "" });
      this.roll(key, "block-mapping", key.token);
      this.keys[this.keys.length - 1] = undefined;
      this.canBeginKey = false;
    } else {
      if (!this.isFlow) {
        if (!this.canBeginKey) throw this.cursor.fail("No value can begin here");
        this.roll(this.cursor, "block-mapping");
      }
      this.canBeginKey = !this.isFlow;
    }
    this.add("value", 1);
  }

  private scanTag(): void {
    const { cursor } = this;
    const { line, column } = cursor;
    this.saveKey();
    this.canBeginKey = false;
    let [handle, text] = ["", ""];
    if (cursor.startsWith("!<")) text = cursor.match(VERBATIM_TAG)?.[1] ?? "";
    else {
      handle = cursor.match(HANDLE)?.[0] ?? "!";
      text = (handle === "!" ? cursor.match(LOCAL_TAG)?.[1] : cursor.match(SUFFIX)?.[0]) ?? "";
      // A lone `!` is a tag of its own.
      if (handle === "!" && text === "") [handle, text] = ["", "!"];
    }
    if (text === "" || !cursor.isBlankOrEnd()) throw cursor.fail("This is no tag");
    this.tokens.push({ type: "tag", line, column, length: 0, text: this.decoded(text), handle });
  }

  private decoded(uri: string): string {
    try {
      return decodeURIComponent(uri);
    } catch {
      throw this.cursor.fail("The escapes of this tag are not UTF-8");
    }
  }

  private add(type: TokenType, length: number): void {
    const { line, column } = this.cursor;
    this.tokens.push({ type, line, column, length, text: "", handle: "" });
    this.cursor.pos += length;
  }

  private addText(read: () => string): void {
    const { line, column } = this.cursor;
    const text = read();
    this.tokens.push({ type: "scalar", line, column, length: 0, text, handle: "" });
  }

  private saveKey(): void {
    if (!this.canBeginKey) return;
    const { pos, line, column } = this.cursor;
    this.dropKey();
    const isRequired = !this.isFlow && this.indent === column;
    this.keys[this.keys.length - 1] = { token: this.tokens.length, pos, line, column, isRequired };
  }

  private dropKey(index = this.keys.length - 1): void {
    if (this.keys[index]?.isRequired) throw this.cursor.fail("A ':' is missing behind the key");
    this.keys[index] = undefined;
  }

  /** A key is in a single line, and not too long. */
  private dropStaleKeys(): void {
    const { line, pos } = this.cursor;
    for (const [index, key] of this.keys.entries()) {
      if (key !== undefined && (key.line < line || key.pos + LONGEST_KEY < pos)) this.dropKey(index);
    }
  }

  private leaveBlocks(): void {
    this.unroll(-1);
    this.dropKey();
    this.canBeginKey = false;
  }

  /** Begins a block collection unless one is there at this column, with its token before that of a number. */
  private roll(
    { line, column }: { readonly line: number; readonly column: number },
    type: "block-sequence" | "block-mapping",
    number = this.tokens.length,
  ): void {
    if (this.isFlow || this.indent >= column) return;
    this.indents.push(this.indent);
    this.indent = column;
    this.tokens.splice(number, 0, { type, line, column, length: 0, text: "", handle: "" });
  }

  /** Ends the block collections that are indented deeper. */
  private unroll(to: number): void {
    if (this.isFlow) return;
    const { line, column } = this.cursor;
    while (this.indent > to) {
      this.tokens.push({ type: "block-end", line, column, length: 0, text: "", handle: "" });
      this.indent = this.indents.pop() ?? -1;
    }
  }
}
