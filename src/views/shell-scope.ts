/** What a shell knows at a point of a script: the folder it is in, and what variables hold. */
import { LITERAL, type Word } from "./shell-grammar.ts";

/** Stands for what only the shell will know; as a pattern of paths, anything. */
export const ANYTHING = "**";

/** A variable in a loop holds one after the other; more are not told apart. */
const MOST_VALUES = 24;
const EXPANSION = /\$(?:\{(\w+)((?::?[-=?+]|[%#/^,[@:])[^}]*)?\}|(\w+)|[@*#?!$-]|\((?:[^()]|\([^()]*\))*\))|`[^`]*`/g;

export class Scope {
  /** Undefined where nobody can tell. */
  folder: string | undefined;
  readonly #variables: Map<string, readonly string[]>;

  constructor(folder: string | undefined, variables: Iterable<readonly [string, readonly string[]]> = []) {
    this.folder = folder;
    this.#variables = new Map(variables);
  }

  /** For a subshell. */
  copy(): Scope {
    return new Scope(this.folder, this.#variables);
  }

  /** @param values undefined for what nobody can tell */
  set(name: string, values: readonly string[] | undefined): void {
    if (values === undefined || values.length === 0) this.#variables.delete(name);
    else this.#variables.set(name, values.slice(0, MOST_VALUES));
  }

  /** The arguments of a script or function, from `$1` on. */
  setArguments(values: readonly (readonly string[])[]): void {
    for (const name of [...this.#variables.keys()]) if (/^\d+$/.test(name)) this.#variables.delete(name);
    for (const [i, each] of values.entries()) this.set(String(i + 1), each);
  }

  /** What a word can be; {@link ANYTHING} within it where a variable is not known. */
  expand(template: string): string[] {
    let found = [""];
    let end = 0;
    for (const match of template.matchAll(EXPANSION)) {
      const before = template.slice(end, match.index);
      const values = this.#valuesOf(match);
      found = found.flatMap((start) => values.map((value) => start + before + value)).slice(0, MOST_VALUES);
      end = match.index + match[0].length;
    }
    return found.map((start) => (start + template.slice(end)).replaceAll(LITERAL, "$"));
  }

  #valuesOf([all, braced, operator = "", plain]: RegExpMatchArray): readonly string[] {
    const name = braced ?? plain;
    if (name === "PWD" || all === "$(pwd)" || all === "`pwd`") return [this.folder ?? ANYTHING];
    const known = name === undefined ? undefined : this.#variables.get(name);
    return known === undefined || !/^(?::?[-=?]|$)/.test(operator) ? [ANYTHING] : known;
  }

  /** The absolute paths that a word can mean. @param root the folder that is the root of the command */
  paths(word: Word, root: readonly string[] = [""]): string[] {
    return this.expand(word.template).flatMap((text) => this.#absolute(text, root));
  }

  #absolute(text: string, roots: readonly string[]): string[] {
    // `--root=/x`, `-r/x`, `of=/x`
    const path = /^(?:-[\w-]+=|-\w+(?=\/|\*\*)|\w+=(?=\/))(.*)$/s.exec(text)?.[1] ?? text;
    if (path === "" || path.startsWith("-")) return [];
    if (path.startsWith(ANYTHING)) return [cleaned(path)];
    if (path.startsWith("/")) return roots.map((root) => cleaned(`${root}/${path}`));
    return this.folder === undefined ? [] : [cleaned(`${this.folder}/${path}`)];
  }
}

/** Without `.`, `..` and empty names. */
function cleaned(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
}
