/** Reads the scalars of YAML 1.1, as libyaml does: plain, quoted, and blocks. */
import { type Cursor, isBlank, isBreak } from "./cursor.ts";

const [TAB, SPACE, COLON, HASH, SINGLE_QUOTE, BACKSLASH] = [9, 32, 58, 35, 39, 92];

/** The end of a line and the breaks behind it, as they are between two parts of a text that goes on. */
function folded(first: string, rest: string): string {
  if (first !== "\n") return first + rest;
  return rest === "" ? " " : rest;
}

/** White space between two parts of a text: as it is within a line, folded where lines end in it. */
class Gap {
  private blanks = "";
  private first = "";
  private rest = "";

  get hasBreak(): boolean {
    return this.first !== "";
  }

  /** Reads blanks and breaks; `check` is called before each blank behind a break. */
  read(cursor: Cursor, check?: () => void): void {
    for (let code = cursor.code(); isBlank(code) || isBreak(code); code = cursor.code()) {
      if (isBreak(code)) {
        if (this.hasBreak) this.rest += cursor.breakLine();
        else this.first = cursor.breakLine();
        this.blanks = "";
        continue;
      }
      if (this.hasBreak) check?.();
      else this.blanks += String.fromCharCode(code);
      cursor.pos++;
    }
  }

  toString(): string {
    return this.hasBreak ? folded(this.first, this.rest) : this.blanks;
  }
}

/** @returns the text, and whether the cursor was moved to another line behind it */
export function readPlain(cursor: Cursor, indent: number, isFlow: boolean): { text: string; isBroken: boolean } {
  let text = "";
  let gap = new Gap();
  const checkTab = () => {
    if (cursor.code() === TAB && cursor.column < indent) throw cursor.fail("A tab cannot indent a text");
  };
  for (;;) {
    if (cursor.isMarker || cursor.code() === HASH) break;
    const start = cursor.pos;
    while (!cursor.isBlankOrEnd()) {
      const code = cursor.code();
      if (code === COLON && cursor.isBlankOrEnd(1)) break;
      if (isFlow && code === COLON) throw cursor.fail("A ':' within brackets needs quotes, or a blank behind it");
      if (isFlow && ",?[]{}".includes(String.fromCharCode(code))) break;
      cursor.pos++;
    }
    if (cursor.pos > start) {
      text += gap + cursor.text.slice(start, cursor.pos);
      gap = new Gap();
    }
    if (!isBlank(cursor.code()) && !isBreak(cursor.code())) break;
    gap.read(cursor, checkTab);
    if (!isFlow && cursor.column < indent) break;
  }
  return { text, isBroken: gap.hasBreak };
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "0": "\0",
    a: "\x07",
    b: "\b",
    t: "\t",
    "\t": "\t",
    n: "\n",
    v: "\v",
    f: "\f",
    r: "\r",
    e: "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    N: "\x85",
    _: "\xa0",
    L: "\u2028",
    P: "\u2029",
  }),
);
const CODE = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/y;

/** What the escape at the cursor, behind its backslash, stands for. */
function readEscape(cursor: Cursor): string {
  const simple = ESCAPES.get(cursor.text.charAt(cursor.pos));
  if (simple !== undefined) {
    cursor.pos++;
    return simple;
  }
  const [, ...digits] = cursor.match(CODE) ?? [];
  const found = digits.find((each) => each !== undefined);
  const code = found === undefined ? Number.NaN : Number.parseInt(found, 16);
  // Neither halves of pairs nor what is beyond Unicode.
  if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return String.fromCodePoint(code);
  throw cursor.fail("There is no such escape");
}

/** The text in the quotes that open at the cursor. */
export function readQuoted(cursor: Cursor): string {
  const quote = cursor.code();
  const isSingle = quote === SINGLE_QUOTE;
  let text = "";
  cursor.pos++;
  for (;;) {
    if (cursor.isMarker) throw cursor.fail("The document ends within quotes");
    if (cursor.isEnd) throw cursor.fail("A closing quote is missing");
    let isJoined = false;
    while (!cursor.isBlankOrEnd()) {
      const code = cursor.code();
      if (code === quote) {
        if (!isSingle || cursor.code(1) !== quote) break;
        text += "'";
        cursor.pos += 2;
      } else if (isSingle || code !== BACKSLASH) {
        text += String.fromCharCode(code);
        cursor.pos++;
      } else {
        cursor.pos++;
        if (isBreak(cursor.code())) {
          cursor.breakLine();
          isJoined = true;
          break;
        }
        text += readEscape(cursor);
      }
    }
    if (cursor.code() === quote) {
      cursor.pos++;
      return text;
    }
    if (isJoined) text += joined(cursor);
    else {
      const gap = new Gap();
      gap.read(cursor);
      text += gap;
    }
  }
}

/** Behind an escaped break blanks don't count, but further breaks do. */
function joined(cursor: Cursor): string {
  let breaks = "";
  while (isBlank(cursor.code()) || isBreak(cursor.code())) {
    if (isBreak(cursor.code())) breaks += cursor.breakLine();
    else cursor.pos++;
  }
  return breaks;
}

const HEADER = /[|>](?:([+-])(\d)?|(\d)([+-])?)?/y;

/** The text of the block whose header is at the cursor, in a collection at column `outer`. */
export function readBlock(cursor: Cursor, outer: number): string {
  const isLiteral = cursor.startsWith("|");
  const [, before, second, first, behind] = cursor.match(HEADER) ?? [];
  const chomping = before ?? behind;
  const digit = first ?? second;
  if (digit === "0") throw cursor.fail("A block cannot be indented by 0");
  if (!cursor.skipRest()) throw cursor.fail("Only a comment can follow the header of a block");
  if (!cursor.isEnd) cursor.breakLine();

  let indent = digit === undefined ? 0 : Math.max(outer, 0) + Number(digit);
  let text = "";
  let last = "";
  let wasBlank = false;
  const lead = readBreaks(cursor, indent);
  let breaks = lead.breaks;
  if (indent === 0) indent = Math.max(lead.widest, outer + 1, 1);
  while (cursor.column === indent && !cursor.isEnd) {
    const beginsBlank = isBlank(cursor.code());
    if (!isLiteral && last === "\n" && !wasBlank && !beginsBlank) text += breaks === "" ? " " : "";
    else text += last;
    text += breaks;
    wasBlank = beginsBlank;
    const start = cursor.pos;
    cursor.skipLine();
    text += cursor.text.slice(start, cursor.pos);
    last = cursor.isEnd ? "" : cursor.breakLine();
    breaks = readBreaks(cursor, indent).breaks;
  }
  if (chomping !== "-") text += last;
  if (chomping === "+") text += breaks;
  return text;
}

/** Moves over empty lines, and the indentation of the next. `indent` is 0 where it is not known yet. */
function readBreaks(cursor: Cursor, indent: number): { breaks: string; widest: number } {
  let breaks = "";
  let widest = 0;
  for (;;) {
    const isIndentation = () => indent === 0 || cursor.column < indent;
    while (isIndentation() && cursor.code() === SPACE) cursor.pos++;
    widest = Math.max(widest, cursor.column);
    if (isIndentation() && cursor.code() === TAB) throw cursor.fail("A tab cannot indent a block");
    if (!isBreak(cursor.code())) return { breaks, widest };
    breaks += cursor.breakLine();
  }
}
