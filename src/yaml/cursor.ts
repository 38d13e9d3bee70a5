/** A place in a YAML text, moved by characters and lines, and the characters that YAML 1.1 tells apart. */

const [TAB, NEWLINE, SPACE, NEXT_LINE, LINE_SEPARATOR, PARAGRAPH_SEPARATOR] = [9, 10, 32, 0x85, 0x2028, 0x2029];

/** At the end of the text there is nothing, which counts as a break here and there. */
export function isBreak(code: number): boolean {
  return code === NEWLINE || code === NEXT_LINE || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR;
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** What a text is refused with; it becomes a LoadError where the file is known. */
export class Malformed extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, { line, column }: { readonly line: number; readonly column: number }) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

export class Cursor {
  readonly text: string;
  pos = 0;
  /** Counted from 0. */
  line = 0;
  private lineStart = 0;

  /** @param text with no end of a line in it that has `\r` */
  constructor(text: string) {
    this.text = text;
  }

  /** Units of the text before this place in its line. */
  get column(): number {
    return this.pos - this.lineStart;
  }

  get isEnd(): boolean {
    return this.pos >= this.text.length;
  }

  /** The unit that many behind this place; NaN behind the end. */
  code(ahead = 0): number {
    return this.text.charCodeAt(this.pos + ahead);
  }

  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.pos);
  }

  isBreakOrEnd(ahead = 0): boolean {
    return this.pos + ahead >= this.text.length || isBreak(this.code(ahead));
  }

  isBlankOrEnd(ahead = 0): boolean {
    return isBlank(this.code(ahead)) || this.isBreakOrEnd(ahead);
  }

  /** Whether a line begins here that ends the document, or begins one. */
  get isMarker(): boolean {
    return this.column === 0 && (this.startsWith("---") || this.startsWith("...")) && this.isBlankOrEnd(3);
  }

  /** Moves behind what a sticky expression matches here. */
  match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.pos;
    const found = expression.exec(this.text) ?? undefined;
    if (found !== undefined) this.pos += found[0].length;
    return found;
  }

  /** Moves behind the break that is here; returns it as values have it. */
  breakLine(): string {
    const code = this.code();
    this.pos++;
    this.newLine();
    return code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR ? String.fromCharCode(code) : "\n";
  }

  newLine(): void {
    this.line++;
    this.lineStart = this.pos;
  }

  /** Moves to the end of the line. */
  skipLine(): void {
    while (!this.isBreakOrEnd()) this.pos++;
  }

  /** Moves to the end of the line, or returns false where there is more than a comment. */
  skipRest(): boolean {
    while (isBlank(this.code())) this.pos++;
    if (this.startsWith("#")) this.skipLine();
    return this.isBreakOrEnd();
  }

  fail(message: string): Malformed {
    return new Malformed(message, this);
  }
}
