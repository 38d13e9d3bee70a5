/** The lines of a shell script as simple commands, in order: as much of the shell's grammar as that takes. */

export interface Word {
  /** Without quotes. */
  readonly text: string;
  /** The same, with {@link LITERAL} for each `$` that stands for itself. */
  readonly template: string;
}

/** Stands for a `$` that is quoted. */
export const LITERAL = "\u0000";

export interface Command {
  readonly type: "command";
  readonly words: readonly Word[];
  /** Whether it reads what the command before it writes. */
  readonly isPiped: boolean;
}

/** A command, or where a subshell begins or ends, whose folder and variables are its own. */
export type Item = Command | { readonly type: "open" } | { readonly type: "close" };

export interface Line {
  readonly items: readonly Item[];
  /** The text of its here-documents. */
  readonly input: string;
  /** Whether variables in that stand for what they hold. */
  readonly isExpanded: boolean;
  /** Of the script, counted from 0. */
  readonly number: number;
}

/** Lines that go on in the next one, by a backslash or in quotes, are one. */
export function* linesOf(script: string): Generator<Line> {
  const lines = script.split("\n");
  let isPiped = false;
  for (let at = 0; at < lines.length; at++) {
    const number = at;
    let text = lines[at] ?? "";
    while ((/(?:^|[^\\])(?:\\\\)*\\$/.test(text) || hasOpenQuote(text)) && at + 1 < lines.length) {
      const joint = hasOpenQuote(text) ? "\n" : "";
      text = (joint === "" ? text.slice(0, -1) : text) + joint + (lines[++at] ?? "");
    }
    let input = "";
    let isExpanded = true;
    for (const [, dash, quote, end = ""] of text.matchAll(/(?<!<)<<(?!<)(-?)\s*(["'\\]?)([\w.-]+)\2?/g)) {
      isExpanded &&= quote === "";
      while (++at < lines.length) {
        const body = lines[at] ?? "";
        if ((dash === "-" ? body.replace(/^\t+/, "") : body) === end) break;
        input += `${body}\n`;
      }
    }
    const items = itemsOf(text, isPiped);
    if (items.length > 0) isPiped = /(?:^|[^|])\|\s*(?:#.*)?$/.test(text);
    yield { items, input, isExpanded, number };
  }
}

function hasOpenQuote(text: string): boolean {
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === "\\" && quote !== "'") i++;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === "#" && /^$|\s/.test(text[i - 1] ?? "")) return false;
  }
  return quote !== "";
}

/** Commands in `$(…)` come before the one that uses them. */
function itemsOf(text: string, isPiped: boolean): Item[] {
  const items: Item[] = [];
  let words: Word[] = [];
  let word: Word | undefined;
  let piped = isPiped;
  const append = (text: string, template = text) => {
    word = { text: (word?.text ?? "") + text, template: (word?.template ?? "") + template };
  };
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) {
      items.push({ type: "command", words, isPiped: piped });
      piped = false;
    }
    words = [];
  };
  const substitute = (script: string) => items.push({ type: "open" }, ...itemsOf(script, false), { type: "close" });
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === "\\") append(text[++i] ?? "", (text[i] ?? "").replace("$", LITERAL));
    else if (character === "'") {
      const end = closing(text, i, "'");
      const inner = text.slice(i + 1, end);
      append(inner, inner.replaceAll("$", LITERAL));
      i = end;
    } else if (character === '"') {
      const end = closing(text, i, '"');
      const inner = text.slice(i + 1, end);
      for (const [, script = ""] of inner.matchAll(/\$\(([^()]*)\)/g)) substitute(script);
      append(inner.replace(/\\(["\\$`])/g, "$1"), inner.replace(/\\\$/g, LITERAL).replace(/\\(["\\`])/g, "$1"));
      i = end;
    } else if (character === "$" && text[i + 1] === "(") {
      const end = closingParenthesis(text, i + 1);
      substitute(text.slice(i + 2, end));
      append(text.slice(i, end + 1));
      i = end;
    } else if (character === "#" && word === undefined) break;
    else if (/\s/.test(character)) endWord();
    else if (character === "(" || character === ")") {
      endCommand();
      items.push({ type: character === "(" ? "open" : "close" });
    } else if (";&|".includes(character) && text[i - 1] !== ">" && !(character === "&" && text[i + 1] === ">")) {
      endCommand();
      // Of `||`, the second is none.
      piped = character === "|" && text[i - 1] !== "|" && text[i + 1] !== "|";
    } else {
      // Where output goes is a word of its own.
      if (/[<>]/.test(character) && word !== undefined && !/^(?:\d+|&|.*[<>])$/.test(word.text)) endWord();
      append(character);
    }
  }
  endCommand();
  return items;
}

function closing(text: string, start: number, quote: string): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\" && quote === '"') i++;
    else if (text[i] === quote) return i;
  }
  return text.length;
}

function closingParenthesis(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return text.length;
}
