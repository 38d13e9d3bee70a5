/** Which programs a shell script calls, in which order: as much of the shell's grammar as that takes. */

export interface Call {
  /** Without folders: `ldconfig` for `/sbin/ldconfig`. */
  readonly program: string;
  /** Words behind the program, without quotes. */
  readonly words: readonly string[];
  /** The folder that `chroot` makes its root. */
  readonly root?: string;
  /** The text of its here-document. */
  readonly input: string;
  /** Of the script, counted from 0. */
  readonly line: number;
}

/** Words that another command follows. */
const KEYWORDS = new Set([
  "if",
  "then",
  "else",
  "elif",
  "do",
  "while",
  "until",
  "!",
  "{",
  "}",
  "time",
  "fi",
  "done",
  "esac",
]);
/** Programs that run another one, by the number of words before that. */
const WRAPPERS = new Map(
  Object.entries({ sudo: 0, env: 0, exec: 0, command: 0, nice: 0, nohup: 0, xargs: 0, chroot: 1 }),
);
const SHELLS = new Set(["sh", "bash", "dash"]);

export function callsOf(script: string): Call[] {
  const calls: Call[] = [];
  const lines = script.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = at;
    let text = lines[at] ?? "";
    // Lines go on behind a backslash and in quotes.
    while ((/(?:^|[^\\])(?:\\\\)*\\$/.test(text) || hasOpenQuote(text)) && at + 1 < lines.length) {
      const joint = hasOpenQuote(text) ? "\n" : "";
      text = (joint === "" ? text.slice(0, -1) : text) + joint + (lines[++at] ?? "");
    }
    const documents = [...text.matchAll(/<<(-?)\s*(["']?)([\w.-]+)\2/g)];
    let input = "";
    for (const [, dash, , end = ""] of documents) {
      while (++at < lines.length) {
        const body = lines[at] ?? "";
        if ((dash === "-" ? body.replace(/^\t+/, "") : body) === end) break;
        input += `${body}\n`;
      }
    }
    for (const words of commandsOf(text)) calls.push(...unwrap(words, input, line));
  }
  return calls;
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

/** The simple commands of a line, each as words; those in `$(…)` come before the one that uses them. */
function commandsOf(text: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === "\\") word = (word ?? "") + (text[++i] ?? "");
    else if (character === "'") {
      const end = closing(text, i, "'");
      word = (word ?? "") + text.slice(i + 1, end);
      i = end;
    } else if (character === '"') {
      const end = closing(text, i, '"');
      const inner = text.slice(i + 1, end);
      for (const [, substituted = ""] of inner.matchAll(/\$\(([^()]*)\)/g)) commands.push(...commandsOf(substituted));
      word = (word ?? "") + inner.replace(/\\(["\\$`])/g, "$1");
      i = end;
    } else if (character === "$" && text[i + 1] === "(") {
      const end = closingParenthesis(text, i + 1);
      commands.push(...commandsOf(text.slice(i + 2, end)));
      word = (word ?? "") + text.slice(i, end + 1);
      i = end;
    } else if (character === "#" && word === undefined) break;
    else if (/\s/.test(character)) endWord();
    else if (";&|()".includes(character) && text[i - 1] !== ">") endCommand();
    else word = (word ?? "") + character;
  }
  endCommand();
  return commands;
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

function unwrap(words: readonly string[], input: string, line: number): Call[] {
  let rest = [...words];
  let root: string | undefined;
  for (;;) {
    const [first] = rest;
    if (first === undefined || first === "for" || first === "case") return [];
    if (KEYWORDS.has(first) || /^\w+\+?=/.test(first)) {
      rest = rest.slice(1);
      continue;
    }
    const program = first.slice(first.lastIndexOf("/") + 1);
    const skipped = WRAPPERS.get(program);
    const operands = rest.slice(1);
    if (skipped !== undefined) {
      while (operands[0]?.startsWith("-")) operands.shift();
      if (program === "chroot") root = operands[0];
      rest = operands.slice(skipped);
      continue;
    }
    const script = SHELLS.has(program) ? operands[operands.findIndex((word) => /^-\w*c$/.test(word)) + 1] : undefined;
    if (script !== undefined && operands.some((word) => /^-\w*c$/.test(word))) {
      return callsOf(script).map((call) => ({ ...(root !== undefined && { root }), ...call, line }));
    }
    return [{ program, words: operands, ...(root !== undefined && { root }), input, line }];
  }
}
