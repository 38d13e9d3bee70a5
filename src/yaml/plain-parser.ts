/** A fast parser for the plain YAML that projects are made of; what it isn't sure of is left to document.ts. */
import { MappingNode, type Node, ScalarNode, SequenceNode, type SourceFile } from "./node.ts";

const [TAB, NEWLINE, SPACE, HASH, DASH, COLON] = [9, 10, 32, 35, 45, 58];
const [DOUBLE_QUOTE, SINGLE_QUOTE, BACKSLASH] = [34, 39, 92];

// Control characters, ends of lines other than \n, white space other than blanks and tabs, and what needs two units.
const UNUSUAL = /[^\t\n -~\xa1-\u167f\u2010-\u2027\u3001-\ud7ff]/;
// What a plain scalar doesn't begin with, or only where something certain follows.
const INDICATORS = new Set([..."-?:,[]{}#&*!|>'\"%@`"].map((indicator) => indicator.charCodeAt(0)));
const FLOW_WORD = /[\w./][\w./+=-]*/y;
const ESCAPED = new Map(Object.entries({ n: "\n", t: "\t", '"': '"', "\\": "\\", "/": "/" }));
// 1024 characters are allowed.
const LONGEST_KEY = 1000;
const DEEPEST = 100;

const UNSURE = new Error("not plain YAML");

function unsure(): never {
  throw UNSURE;
}

/** The nodes that document.ts would give; undefined where it may see an error, or where the text is of a rare style. */
export function parsePlain(text: string, file: SourceFile): MappingNode | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    return new PlainParser(text, file).document();
  } catch (error) {
    if (error === UNSURE) return undefined;
    throw error;
  }
}

/** Whatever reads a node leaves the parser at the next line that holds one. */
class PlainParser {
  private readonly text: string;
  private readonly file: SourceFile;
  /** Where reading goes on. */
  private pos = 0;
  /** Of the current line, counted from 0. */
  private line = -1;
  private lineStart = 0;
  /** Blanks that the current line begins with; -1 behind the last line. */
  private indent = -1;
  /** Whether a comment ended before the current line began, behind the last value. */
  private commented = false;
  /** The first tab that no block scalar before holds: anywhere else a tab is rare and its meaning intricate. */
  private tab: number;
  private depth = 0;

  constructor(text: string, file: SourceFile) {
    this.text = text;
    this.file = file;
    this.tab = text.indexOf("\t");
  }

  document(): MappingNode {
    this.nextLine(-1);
    if (this.indent < 0) return this.tab < 0 ? new MappingNode(new Map(), this.file, 0, 0) : unsure();
    const top = this.block(0);
    // What is left to be read is indented like no collection that was open before it.
    if (top.type !== "mapping" || this.indent >= 0 || this.tab >= 0) unsure();
    return top;
  }

  /** Moves from `end`, which is the end of a line or a comment there, to the next line that is more than a comment. */
  private nextLine(end: number): void {
    const { text } = this;
    this.commented = false;
    let code = text.charCodeAt(end);
    for (let pos = end; ; ) {
      if (code === HASH) {
        this.commented = true;
        pos = this.lineEnd(pos);
      }
      if (pos < text.length) {
        this.line++;
        this.lineStart = ++pos;
      }
      while (text.charCodeAt(pos) === SPACE) pos++;
      code = text.charCodeAt(pos);
      if (code === HASH || code === NEWLINE) continue;
      this.pos = pos;
      this.indent = pos < text.length ? pos - this.lineStart : -1;
      if (this.indent === 0 && (text.startsWith("---", pos) || text.startsWith("...", pos))) unsure();
      return;
    }
  }

  private lineEnd(pos: number): number {
    const end = this.text.indexOf("\n", pos);
    return end < 0 ? this.text.length : end;
  }

  private skipBlanks(pos: number): number {
    let end = pos;
    while (this.text.charCodeAt(end) === SPACE) end++;
    return end;
  }

  /** Whether a blank, or the end of a line, follows an indicator. */
  private isBlank(pos: number): boolean {
    const code = this.text.charCodeAt(pos);
    return code === SPACE || code === NEWLINE || pos >= this.text.length;
  }

  private isDash(pos: number): boolean {
    return this.text.charCodeAt(pos) === DASH && this.isBlank(pos + 1);
  }

  /** Whether nothing but a comment stands in the line from `pos` on, which comes behind blanks. */
  private isLineEnd(pos: number): boolean {
    const code = this.text.charCodeAt(pos);
    return code === NEWLINE || code === HASH || pos >= this.text.length;
  }

  private isPlainStart(pos: number): boolean {
    const code = this.text.charCodeAt(pos);
    return !INDICATORS.has(code) || (code === DASH && !this.isBlank(pos + 1));
  }

  /** The node at `pos`, where a collection may begin: first in its line, or behind a dash. */
  private block(outer: number): Node {
    if (++this.depth > DEEPEST) unsure();
    const start = this.pos;
    const key = this.isDash(start) ? undefined : this.key(start);
    let node: Node;
    if (key !== undefined) node = this.mapping(start, key);
    else node = this.isDash(start) ? this.sequence(start) : this.inline(start, outer);
    this.depth--;
    return node;
  }

  private mapping(start: number, first: string): MappingNode {
    const { line } = this;
    const column = start - this.lineStart;
    const entries = new Map<string, Node>();
    for (let key = first; ; key = this.key(this.pos) ?? unsure()) {
      if (entries.has(key)) unsure();
      entries.set(key, this.value(column, false));
      if (this.indent !== column) break;
    }
    return new MappingNode(entries, this.file, line, column);
  }

  private sequence(start: number): SequenceNode {
    const { line } = this;
    const column = start - this.lineStart;
    const items: Node[] = [];
    do {
      this.pos++;
      items.push(this.value(column, true));
    } while (this.indent === column && this.isDash(this.pos));
    return new SequenceNode(items, this.file, line, column);
  }

  /** The value of a key, or an item, of the collection at `column`; `pos` is right behind the colon or dash. */
  private value(column: number, isItem: boolean): Node {
    const { line, pos } = this;
    const emptyColumn = pos - this.lineStart;
    this.pos = this.skipBlanks(pos);
    if (!this.isLineEnd(this.pos)) return isItem ? this.block(column) : this.inline(this.pos, column);
    this.nextLine(this.pos);
    if (this.indent > column || (!isItem && this.indent === column && this.isDash(this.pos))) {
      return this.block(column);
    }
    return new ScalarNode("", this.file, line, emptyColumn);
  }

  /** The key at `start`, with `pos` moved behind its colon; undefined if there is none. */
  private key(start: number): string | undefined {
    const { text } = this;
    const first = text.charCodeAt(start);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
      const key = this.quoted(start);
      const colon = this.skipBlanks(this.pos);
      if (text.charCodeAt(colon) !== COLON) return undefined;
      if (!this.isBlank(colon + 1) || colon - start > LONGEST_KEY) unsure();
      this.pos = colon + 1;
      return key;
    }
    if (!this.isPlainStart(start)) return undefined;
    for (let pos = start; pos < text.length; pos++) {
      const code = text.charCodeAt(pos);
      if (code === COLON && this.isBlank(pos + 1)) {
        if (pos - start > LONGEST_KEY) unsure();
        this.pos = pos + 1;
        return text.slice(start, pos).trimEnd();
      }
      if (code === NEWLINE || (code === HASH && text.charCodeAt(pos - 1) === SPACE)) return undefined;
    }
    return undefined;
  }

  /** The node at `start` that is no block collection, in one whose column is `outer`. */
  private inline(start: number, outer: number): Node {
    const { line } = this;
    const column = start - this.lineStart;
    switch (this.text.charAt(start)) {
      case "|":
      case ">":
        return new ScalarNode(this.blockScalar(start, outer), this.file, line, column);
      case '"':
      case "'": {
        const value = this.quoted(start).trim();
        this.endLine();
        return new ScalarNode(value, this.file, line, column);
      }
      case "[": {
        const items = this.flowItems(start);
        this.endLine();
        return new SequenceNode(items, this.file, line, column);
      }
      case "{":
        if (!this.text.startsWith("{}", start)) unsure();
        this.pos = start + 2;
        this.endLine();
        return new MappingNode(new Map(), this.file, line, column);
      default:
        return new ScalarNode(this.plain(start, outer), this.file, line, column);
    }
  }

  /** Moves behind the line in which a value ended that can't go on in the next. */
  private endLine(): void {
    const end = this.skipBlanks(this.pos);
    if (!this.isLineEnd(end) || (end === this.pos && this.text.charCodeAt(end) === HASH)) unsure();
    this.nextLine(end);
  }

  private plain(start: number, outer: number): string {
    if (!this.isPlainStart(start)) unsure();
    let value = this.plainLine(start);
    for (;;) {
      const { line } = this;
      this.nextLine(this.pos);
      if (this.indent <= outer) return value;
      if (this.commented) unsure();
      const empty = this.line - line - 1;
      value += empty === 0 ? " " : "\n".repeat(empty);
      value += this.plainLine(this.pos);
    }
  }

  /** What a plain scalar has in the line from `start` on, with `pos` moved to the line's end or comment. */
  private plainLine(start: number): string {
    const { text } = this;
    let pos = start;
    for (; pos < text.length; pos++) {
      const code = text.charCodeAt(pos);
      if (code === NEWLINE || (code === HASH && text.charCodeAt(pos - 1) === SPACE)) break;
      if (code === COLON && this.isBlank(pos + 1)) unsure();
    }
    this.pos = pos;
    return text.slice(start, pos).trimEnd();
  }

  /** The text in the quotes that open at `start`, with `pos` moved behind them; only what is in a single line. */
  private quoted(start: number): string {
    const { text } = this;
    const quote = text.charCodeAt(start);
    let isEscaped = false;
    let pos = start + 1;
    for (; ; pos++) {
      const code = text.charCodeAt(pos);
      if (code === NEWLINE || pos >= text.length) unsure();
      const escapes =
        quote === DOUBLE_QUOTE ? code === BACKSLASH : code === quote && text.charCodeAt(pos + 1) === quote;
      if (!escapes && code === quote) break;
      if (!escapes) continue;
      isEscaped = true;
      pos++;
    }
    this.pos = pos + 1;
    const value = text.slice(start + 1, pos);
    if (!isEscaped) return value;
    if (quote === SINGLE_QUOTE) return value.replaceAll("''", "'");
    return value.replace(/\\(.)/gs, (_, code: string) => ESCAPED.get(code) ?? unsure());
  }

  /** Words and quoted texts between brackets in a single line. */
  private flowItems(start: number): ScalarNode[] {
    const { text, line } = this;
    const items: ScalarNode[] = [];
    let pos = this.skipBlanks(start + 1);
    while (text[pos] !== "]" || items.length > 0) {
      let value: string;
      if (text[pos] === '"' || text[pos] === "'") {
        value = this.quoted(pos).trim();
      } else {
        FLOW_WORD.lastIndex = pos;
        value = FLOW_WORD.exec(text)?.[0] ?? unsure();
        this.pos = FLOW_WORD.lastIndex;
      }
      items.push(new ScalarNode(value, this.file, line, pos - this.lineStart));
      pos = this.skipBlanks(this.pos);
      if (text[pos] === "]") break;
      if (text[pos] !== ",") unsure();
      pos = this.skipBlanks(pos + 1);
    }
    this.pos = pos + 1;
    return items;
  }

  /** How its last line breaks are chomped makes no difference: values have no white space around them. */
  private blockScalar(start: number, outer: number): string {
    const { text } = this;
    const isLiteral = text[start] === "|";
    this.pos = text[start + 1] === "-" || text[start + 1] === "+" ? start + 2 : start + 1;
    const header = this.skipBlanks(this.pos);
    if (!this.isLineEnd(header) || (header === this.pos && text.charCodeAt(header) === HASH)) unsure();
    let end = this.lineEnd(header);
    if (this.tab >= 0 && this.tab < end) unsure();
    let value = "";
    let indent = -1;
    let widestEmpty = 0;
    let empty = 0;
    while (end < text.length) {
      const lineStart = end + 1;
      const first = this.skipBlanks(lineStart);
      const isEmpty = this.text.charCodeAt(first) === NEWLINE || first === text.length;
      if (isEmpty && indent < 0) {
        widestEmpty = Math.max(widestEmpty, first - lineStart);
      } else if (!isEmpty && indent < 0) {
        if (text.charCodeAt(first) === TAB) unsure();
        indent = first - lineStart;
        if (indent <= outer) break;
        if (widestEmpty > indent) unsure();
      } else if (!isEmpty && first - lineStart < indent) break;
      this.line++;
      end = isEmpty ? first : this.lineEnd(first);
      if (indent < 0) continue;
      if (isLiteral) value += `${text.slice(Math.min(lineStart + indent, end), end)}\n`;
      else if (first - lineStart > indent || text.charCodeAt(first) === TAB) unsure();
      else if (isEmpty) empty++;
      else {
        value += (empty === 0 ? " " : "\n".repeat(empty)) + text.slice(first, end);
        empty = 0;
      }
    }
    if (this.tab >= 0) this.tab = text.indexOf("\t", end);
    this.nextLine(end);
    return value.trim();
  }
}
