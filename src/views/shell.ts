/** Which programs a shell script calls, in which order, and which paths they are told, as far as the script tells. */
import { type Item, linesOf, type Word } from "./shell-grammar.ts";
import { Scope } from "./shell-scope.ts";

export interface Call {
  /** Without folders: `ldconfig` for `/sbin/ldconfig`. */
  readonly program: string;
  /** Words behind the program, without quotes. */
  readonly words: readonly string[];
  /** The command as it is written, with what comes before the program, and what is piped into it. */
  readonly text: string;
  /** What of that to look for where it stands. */
  readonly mark: string;
  /** The words but those that say where its input and output are. */
  readonly operands: readonly string[];
  /** Of each operand the absolute paths that it can mean; last, what `xargs` adds. */
  readonly paths: readonly (readonly string[])[];
  /** What the program itself can be, where a folder is said. */
  readonly command: readonly string[];
  /** Where its output goes. */
  readonly outputs: readonly string[];
  /** Paths that the commands were told whose output it gets. */
  readonly piped: readonly string[];
  /** The folder that `chroot` makes its root. */
  readonly root?: string;
  /** The text of its here-document. */
  readonly input: string;
  /** Of the script, counted from 0. */
  readonly line: number;
}

export interface Surroundings {
  /** The folder in which the script begins. */
  readonly folder?: string;
  /** What the script itself is told. */
  readonly arguments?: readonly (readonly string[])[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Words that another command follows. */
const KEYWORDS = new Set(
  ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "time", "fi", "done", "esac"], //
);
/** Programs that run another one, by the number of words before that and the options that have a word of their own. */
const WRAPPERS = new Map<string, { readonly skipped: number; readonly options: RegExp }>(
  Object.entries({
    sudo: { skipped: 0, options: /^-[ugCDhpRrTt]$/ },
    env: { skipped: 0, options: /^-[uCS]$/ },
    exec: { skipped: 0, options: /^-a$/ },
    command: { skipped: 0, options: /^$/ },
    nice: { skipped: 0, options: /^-n$/ },
    nohup: { skipped: 0, options: /^$/ },
    xargs: { skipped: 0, options: /^-[nILPdsaE]$/ },
    chroot: { skipped: 1, options: /^$/ },
  }),
);
const SHELLS = new Set(["sh", "bash", "dash"]);
const DECLARERS = new Set(["export", "local", "readonly", "declare", "typeset"]);
const ASSIGNMENT = /^(\w+)(\+?)=/;
const REDIRECTION = /^(?:\d*|&)(>>|>\||>&|>|<<<|<<-?|<&|<>|<)(?!\()(.*)$/s;

export function callsOf(
  script: string,
  { folder, arguments: given = [], environment = {} }: Surroundings = {},
): Call[] {
  const scope = new Scope(
    folder,
    Object.entries(environment).map(([name, value]) => [name, [value]] as const),
  );
  scope.setArguments(given);
  return new Reader(scope).read(script);
}

interface How {
  readonly text: string;
  readonly mark?: string;
  readonly root: string[] | undefined;
  /** Of `xargs`, what stands for a word that comes by the pipe; empty where such words come last. */
  readonly fed?: string;
}

/** Goes through a script as a shell would, but takes every branch once. */
class Reader {
  #scope: Scope;
  readonly #outer: Scope[] = [];
  /** What `popd` goes back to. */
  readonly #pushed: (string | undefined)[] = [];
  readonly #calls: Call[] = [];
  #line = 0;
  #input = "";
  /** What the command before it in the pipeline was told. */
  #last: { readonly paths: readonly string[]; readonly text: string } = { paths: [], text: "" };

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  read(script: string): Call[] {
    for (const { items, input, isExpanded, number } of linesOf(script)) {
      this.#line = number;
      this.#input = isExpanded ? this.#expanded(input) : input;
      for (const item of items) this.#take(item);
    }
    return this.#calls;
  }

  /** Only what is known for sure: of the rest, the text is more telling. */
  #expanded(input: string): string {
    return input.replace(/\$(?:\w+|\{\w+\})/g, (template) => {
      const [value, ...more] = this.#scope.expand(template);
      return value === undefined || more.length > 0 || value.includes("**") ? template : value;
    });
  }

  #take(item: Item): void {
    if (item.type === "command") {
      if (!item.isPiped) this.#last = { paths: [], text: "" };
      this.#simple(item.words);
    } else if (item.type === "open") {
      this.#outer.push(this.#scope);
      this.#scope = this.#scope.copy();
    } else {
      // Those of `case` were never opened.
      this.#scope = this.#outer.pop() ?? this.#scope;
    }
  }

  #simple(all: readonly Word[]): void {
    let at = 0;
    while (KEYWORDS.has(all[at]?.text ?? "")) at++;
    const assigned = at;
    while (ASSIGNMENT.test(all[at]?.text ?? "")) at++;
    const words = all.slice(at);
    const [first] = words;
    if (first === undefined) this.#assign(all.slice(assigned));
    else if (first.text === "for") this.#loop(words);
    else if (first.text !== "case") this.#call(words, textOf(all.slice(assigned)));
  }

  #assign(words: readonly Word[]): void {
    for (const { text, template } of words) {
      const [all, name, isAppended] = ASSIGNMENT.exec(text) ?? [];
      if (all === undefined || name === undefined) continue;
      this.#scope.set(name, isAppended === "+" ? undefined : this.#scope.expand(template.slice(all.length)));
    }
  }

  #loop([, variable, keyword, ...values]: readonly Word[]): void {
    if (variable === undefined) return;
    const found = keyword?.text === "in" ? values.flatMap(({ template }) => this.#scope.expand(template)) : [];
    this.#scope.set(variable.text, found);
  }

  #call(words: readonly Word[], written: string): void {
    const text = this.#last.text === "" ? written : `${this.#last.text} | ${written}`;
    this.#run(words, { text, root: undefined });
  }

  /** What a command calls in the end: behind assignments and programs that run others. */
  #run(given: readonly Word[], how: How): void {
    let rest = [...given];
    let { root } = how;
    let placeholder: string | undefined;
    let isFed = false;
    for (;;) {
      const [first, ...operands] = rest;
      if (first === undefined) return;
      const wrapper = WRAPPERS.get(nameOf(first.text));
      if (wrapper === undefined && !ASSIGNMENT.test(first.text)) break;
      while (wrapper !== undefined && operands[0]?.text.startsWith("-")) {
        const option = operands.shift()?.text ?? "";
        if (/^-I./.test(option)) placeholder = option.slice(2);
        if (wrapper.options.test(option)) {
          const value = operands.shift()?.text;
          if (option === "-I") placeholder = value;
        }
      }
      const program = nameOf(first.text);
      if (program === "xargs") isFed = true;
      if (program === "chroot" && operands[0] !== undefined) root = this.#scope.paths(operands[0]);
      rest = operands.slice(wrapper?.skipped ?? 0);
    }
    this.#emit(rest, { ...how, root, ...(isFed && { fed: placeholder ?? "" }) });
  }

  #emit(words: readonly Word[], how: How): void {
    const { words: plain, outputs } = withoutRedirections(words);
    const [first, ...operands] = plain;
    if (first === undefined) return;
    const { paths: piped } = this.#last;
    const pathsOf = (word: Word): string[] =>
      how.fed !== undefined && word.text === how.fed ? [...piped] : this.#scope.paths(word, how.root);
    const program = nameOf(first.text);
    const paths = [...operands.map(pathsOf), ...(how.fed === "" ? [piped] : [])];
    const call: Call = {
      program,
      words: words.slice(1).map(({ text }) => text),
      text: how.text,
      mark: how.mark ?? program,
      operands: operands.map(({ text }) => text),
      paths,
      command: /[/$]/.test(first.text) || first.text === how.fed ? pathsOf(first) : [],
      outputs: outputs.flatMap((word) => this.#scope.paths(word, how.root)),
      piped,
      ...(how.root !== undefined && { root: how.root[0] }),
      input: this.#input,
      line: this.#line,
    };
    this.#last = { paths: [...piped, ...paths.flat()], text: how.text };
    const script = SHELLS.has(program) && operands.some(isScriptOption) ? operands.findIndex(isScriptOption) + 1 : 0;
    if (script > 0) this.#nested(operands[script]?.text ?? "", call, 0, paths.slice(script + 2));
    else {
      this.#calls.push(call);
      if (SHELLS.has(program) && operands.every(({ text }) => text.startsWith("-"))) this.#nested(this.#input, call, 1);
      this.#change(program, operands);
      if (program === "find") this.#found(operands, how);
    }
  }

  /** A script within the script. */
  #nested(script: string, { root }: Call, offset: number, given: readonly (readonly string[])[] = []): void {
    const scope = this.#scope.copy();
    scope.setArguments(given);
    if (root !== undefined) scope.folder = root;
    for (const call of new Reader(scope).read(script)) {
      const line = this.#line + (offset === 0 ? 0 : call.line + offset);
      this.#calls.push({ ...(root !== undefined && { root }), ...call, line });
    }
  }

  /** What a command changes for those behind it. */
  #change(program: string, operands: readonly Word[]): void {
    if (program === "cd" || program === "pushd") {
      if (program === "pushd") this.#pushed.push(this.#scope.folder);
      const paths = operands.flatMap((word) => this.#scope.paths(word));
      this.#scope.folder = paths.length === 1 && !paths[0]?.startsWith("**") ? paths[0] : undefined;
    } else if (program === "popd") this.#scope.folder = this.#pushed.pop();
    else if (DECLARERS.has(program)) this.#assign(operands);
    else if (program === "read") for (const { text } of operands) this.#scope.set(text, undefined);
    else if (program === "shift") this.#scope.setArguments([]);
    else if (program === "set" && operands[0]?.text === "--")
      this.#scope.setArguments(operands.slice(1).map(({ template }) => this.#scope.expand(template)));
  }

  /** What `find` runs for what it finds, which `{}` stands for. */
  #found(operands: readonly Word[], how: How): void {
    const end = operands.findIndex(({ text }) => /^[-!]/.test(text));
    const starts = operands.slice(0, end < 0 ? undefined : end).flatMap((word) => this.#scope.paths(word, how.root));
    const name = operands.findIndex(({ text }) => /^-i?name$/.test(text)) + 1;
    const found = name === 0 ? ["**"] : [`${operands[name]?.text}`, `**/${operands[name]?.text}`];
    const below = starts.flatMap((start) => found.map((each) => `${start === "/" ? "" : start}/${each}`));
    const piped = this.#last;
    this.#last = { ...piped, paths: below };
    for (const [i, { text }] of operands.entries()) {
      if (text === "-delete") this.#emit([wordOf("rm"), wordOf("{}")], { ...how, mark: text, fed: "{}" });
      if (!/^-(?:exec|execdir|ok|okdir)$/.test(text)) continue;
      const stop = operands.findIndex(({ text }, j) => j > i && /^[;+]$/.test(text));
      this.#run(operands.slice(i + 1, stop < 0 ? undefined : stop), { ...how, fed: "{}" });
    }
    this.#last = { ...piped, paths: below };
  }
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}

function textOf(words: readonly Word[]): string {
  return words.map(({ text }) => text).join(" ");
}

function wordOf(text: string): Word {
  return { text, template: text };
}

function isScriptOption({ text }: Word): boolean {
  return /^-\w*c$/.test(text);
}

function withoutRedirections(words: readonly Word[]): { words: Word[]; outputs: Word[] } {
  const [plain, outputs]: [Word[], Word[]] = [[], []];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? wordOf("");
    const [all, operator = "", target = ""] = REDIRECTION.exec(word.text) ?? [];
    if (all === undefined) plain.push(word);
    else {
      const goal = target === "" ? words[++i] : { text: target, template: word.template.slice(-target.length) };
      if (goal !== undefined && operator.startsWith(">") && !/^&|^\d+$/.test(goal.text)) outputs.push(goal);
    }
  }
  return { words: plain, outputs };
}
