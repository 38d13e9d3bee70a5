/** Tells options from arguments among the words of one command, as the click library of BuildStream does. */
import { flag, type Option } from "./spec/types.ts";
import { suggestion, UsageError } from "./usage.ts";

export const HELP = flag("-h --help", "Show this help and exit; with --json, as JSON");

/** One option as it was given. */
export interface Given {
  readonly option: Option;
  /** False for the flag that says the opposite. */
  readonly on: boolean;
  readonly words: readonly string[];
}

export interface Scan {
  readonly given: readonly Given[];
  readonly rest: readonly string[];
  /** Where scanning had to stop, with what came before it in the other fields. */
  readonly error?: UsageError;
}

/**
 * @param interspersed whether options may follow arguments, otherwise `rest` begins at the first argument
 */
export function scan(options: Iterable<Option>, words: readonly string[], interspersed: boolean): Scan {
  const flags = new Map<string, { option: Option; on: boolean }>();
  for (const option of options) {
    for (const name of option.flags) flags.set(name, { option, on: true });
    for (const name of option.negative) flags.set(name, { option, on: false });
  }

  const given: Given[] = [];
  const rest: string[] = [];
  let at = 0;

  /** Takes the words of an option; the first may be attached to it. */
  const take = (name: string, attached: string | undefined) => {
    const found = flags.get(name);
    if (found === undefined) {
      throw new UsageError(`There is no option '${name}'.${suggestion(name, flags.keys())}`);
    }
    const count = found.option.words.length;
    if (count === 0 && attached !== undefined) throw new UsageError(`Option '${name}' takes no value.`);
    const first = attached === undefined ? [] : [attached];
    const taken = [...first, ...words.slice(at, at + count - first.length)];
    if (taken.length < count) {
      throw new UsageError(`Option '${name}' needs ${count === 1 ? "a value" : `${count} values`}.`);
    }
    at += count - first.length;
    given.push({ ...found, words: taken });
  };

  /** `-abVALUE`: any number of flags, the last of which may take a value. */
  const takeShort = (word: string) => {
    for (let index = 1; index < word.length; index += 1) {
      const name = `-${word[index]}`;
      const takesValue = (flags.get(name)?.option.words.length ?? 0) > 0;
      const attached = takesValue && index + 1 < word.length ? word.slice(index + 1) : undefined;
      take(name, attached);
      if (takesValue) return;
    }
  };

  try {
    while (at < words.length) {
      const word = words[at] ?? "";
      if (word === "--") {
        at += 1;
        break;
      }
      if (word.length > 1 && word.startsWith("-")) {
        at += 1;
        const [name = "", ...value] = word.split(/=(.*)/s);
        if (word.startsWith("--")) take(name, value[0]);
        else takeShort(word);
      } else if (interspersed) {
        rest.push(word);
        at += 1;
      } else {
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { given, rest, error };
  }
  return { given, rest: [...rest, ...words.slice(at)] };
}
