/** Which programs a shell script calls, in which order: as much of the shell's grammar as that takes. */
import { posix } from "node:path";

export interface Call {
  /** Without folders: `ldconfig` for `/sbin/ldconfig`. */
  readonly program: string;
  /** Words behind the program, without quotes. */
  readonly words: readonly string[];
  /** What names files to a program that is called for each: the words of `find`, or of what is piped into `xargs`. */
  readonly from?: readonly string[];
  /** The folder that it is called in; undefined where only the shell knows. */
  readonly directory: string | undefined;
  /** The folder that `chroot` makes its root. */
  readonly root?: string;
  /** The text of its here-document. */
  readonly input: string;
  /** Of the script, counted from 0. */
  readonly line: number;
  /** The whole command, with the programs that call this one. */
  readonly text: string;
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
/** Options of these that have a value in the next word. */
const VALUED: Readonly<Record<string, RegExp>> = {
  sudo: /^-[ugpCDRT]$/,
  env: /^-[uCS]$/,
  nice: /^-n$/,
  xargs: /^-[nIPdLaEs]$/,
};
const SHELLS = new Set(["sh", "bash", "dash"]);
const EXEC = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

/** Where a shell stands, and below it the shells that it was called from. */
interface Shell {
  readonly folders: (string | undefined)[];
  /** What `popd` goes back to. */
  readonly pushed: (string | undefined)[];
}

/** A command without any others around it. */
interface Simple {
  readonly words: readonly string[];
  readonly directory: string | undefined;
  /** Words of the command whose output it gets. */
  readonly piped?: readonly string[];
}

/** @param directory where the script begins, if that is known */
export function callsOf(script: string, directory?: string): Call[] {
  const calls: Call[] = [];
  const shell: Shell = { folders: [directory], pushed: [] };
  const lines = script.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = at;
    let text = lines[at] ?? "";
    // Lines go on behind a backslash, behind a pipe and in quotes.
    for (; at + 1 < lines.length; at++) {
      const next = lines[at + 1] ?? "";
      if (hasOpenQuote(text)) text += `\n${next}`;
      else if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) text = text.slice(0, -1) + next;
      else if (/[^|]\|\s*$/.test(text) && !/<<|(?:^|\s)#/.test(text)) text += ` ${next}`;
      else break;
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
    for (const command of commandsOf(text, shell)) calls.push(...unwrap(command, input, line));
  }
  return calls;
}

/** A word as the path that it may be, in the folder of the call; undefined where only the shell knows. */
export function pathIn({ directory, root }: Pick<Call, "directory" | "root">, word: string): string | undefined {
  if (root !== undefined) return word.startsWith("$") ? word : pathIn({ directory: root }, `${root}/${word}`);
  if (word.startsWith("/") || word.startsWith("$")) return normalize(word);
  return directory === undefined || word.startsWith("~") ? undefined : normalize(`${directory}/${word}`);
}

function normalize(path: string): string {
  const cleaned = posix.normalize(path);
  return cleaned.length > 1 ? cleaned.replace(/\/$/, "") : cleaned;
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

/** The simple commands of a line; those in `$(…)` come before the one that uses them. */
function commandsOf(text: string, shell: Shell): Simple[] {
  const commands: Simple[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let piped: readonly string[] | undefined;
  const substitute = (script: string) =>
    commands.push(...commandsOf(script, { folders: [...shell.folders], pushed: [...shell.pushed] }));
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) {
      commands.push({ words, directory: shell.folders.at(-1), ...(piped && { piped }) });
      changeFolder(shell, words);
    }
    piped = undefined;
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
      for (const [, substituted = ""] of inner.matchAll(/\$\(([^()]*)\)/g)) substitute(substituted);
      word = (word ?? "") + inner.replace(/\\(["\\$`])/g, "$1");
      i = end;
    } else if (character === "$" && text[i + 1] === "(") {
      const end = closingParenthesis(text, i + 1);
      substitute(text.slice(i + 2, end));
      word = (word ?? "") + text.slice(i, end + 1);
      i = end;
    } else if (character === "#" && word === undefined) break;
    else if (/\s/.test(character)) endWord();
    else if (";&|()".includes(character) && text[i - 1] !== ">") {
      endWord();
      const before = words;
      endCommand();
      if (character === "|" && text[i + 1] !== "|" && text[i - 1] !== "|") piped = before;
      if (character === "(") shell.folders.push(shell.folders.at(-1));
      if (character === ")" && shell.folders.length > 1) shell.folders.pop();
    } else word = (word ?? "") + character;
  }
  endCommand();
  return commands;
}

function changeFolder({ folders, pushed }: Shell, words: readonly string[]): void {
  const [program, ...operands] = words.filter((word) => !KEYWORDS.has(word));
  const from = folders.at(-1);
  if (program === "popd") folders[folders.length - 1] = pushed.pop();
  if (program !== "cd" && program !== "pushd") return;
  if (program === "pushd") pushed.push(from);
  const target = operands.find((word) => !/^-./.test(word) && !word.startsWith(">"));
  const isKnown = target !== undefined && target !== "-";
  folders[folders.length - 1] = isKnown ? pathIn({ directory: from }, target) : undefined;
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

/** What a command calls in the end: behind keywords, assignments, and programs that run others. */
function unwrap({ words, directory, piped }: Simple, input: string, line: number): Call[] {
  const text = words.slice(words.findIndex((word) => !KEYWORDS.has(word))).join(" ");
  let rest = [...words];
  let root: string | undefined;
  let from: readonly string[] | undefined;
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
      while (operands[0]?.startsWith("-")) operands.splice(0, VALUED[program]?.test(operands[0]) ? 2 : 1);
      if (program === "chroot") root = operands[0];
      if (program === "xargs") from = piped;
      rest = operands.slice(skipped);
      continue;
    }
    const script = SHELLS.has(program) ? operands[operands.findIndex((word) => /^-\w*c$/.test(word)) + 1] : undefined;
    if (script !== undefined && operands.some((word) => /^-\w*c$/.test(word))) {
      return callsOf(script, directory).map((call) => ({ ...(root !== undefined && { root }), ...call, line }));
    }
    const common = { directory, ...(root !== undefined && { root }), input, line, text };
    const call = { program, words: operands, ...(from && { from }), ...common };
    return program === "find" ? [call, ...calledByFind(operands, common)] : [call];
  }
}

/** What `find` runs for each file. */
function calledByFind(
  words: readonly string[],
  common: Pick<Call, "directory" | "root" | "input" | "line" | "text">,
): Call[] {
  return words.flatMap((word, i) => {
    if (!EXEC.has(word)) return [];
    const end = words.findIndex((each, at) => at > i && (each === ";" || each === "+"));
    const command = words.slice(i + 1, end === -1 ? undefined : end);
    const from = words.slice(0, i);
    const { directory, input, line, text } = common;
    return unwrap({ words: command, directory }, input, line).map((call) => ({ ...call, ...common, from, text }));
  });
}
