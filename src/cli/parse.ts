/** The command line → the command to run, its options and the global ones. */
import { convertWord } from "./convert.ts";
import { type Given, HELP, type Scan, scan } from "./scan.ts";
import { commands } from "./spec/commands.ts";
import { type GlobalOptions, program } from "./spec/globals.ts";
import { type Argument, type Command, type Group, isGroup, type Option } from "./spec/types.ts";
import { suggestion, UsageError } from "./usage.ts";

export type Parsed =
  | { readonly kind: "version" }
  | {
      readonly kind: "help";
      readonly path: readonly string[];
      readonly asked: boolean;
      /** Whether it is wanted as JSON. */
      readonly json?: boolean;
    }
  | {
      readonly kind: "run";
      readonly globals: GlobalOptions;
      /** Words of the command: `["artifact", "checkout"]`. */
      readonly path: readonly string[];
      /** Values by the names that the command's description gives them. */
      readonly options: Record<string, unknown>;
    };

/** @throws UsageError */
export function parseCommandLine(words: readonly string[]): Parsed {
  const json = words.indexOf("--json");
  if (json >= 0 && words.some((word) => HELP.flags.includes(word))) {
    // Commands need not have the option to tell about themselves in that form.
    const parsed = parseWords(words.toSpliced(json, 1));
    if (parsed.kind === "help" && parsed.asked) return { ...parsed, json: true };
  }
  return parseWords(words);
}

function parseWords(words: readonly string[]): Parsed {
  if (words.length === 0) return { kind: "help", path: [], asked: false };
  const start = scanOrThrow([...Object.values(program.options), HELP], words, [], false);
  const first = start.given.find(({ option }) => option === HELP || option === program.options.version);
  if (first) return first.option === HELP ? { kind: "help", path: [], asked: true } : { kind: "version" };
  const globals = readOptions(program.options, start.given, []) as GlobalOptions;

  return parseGroup(globals, [], commands, start.rest);
}

function parseGroup(
  globals: GlobalOptions,
  path: readonly string[],
  entries: Group["commands"],
  [name, ...words]: readonly string[],
): Parsed {
  if (name === undefined) throw new UsageError("A command is missing.", path);
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined) {
    throw new UsageError(`There is no command '${name}'.${suggestion(name, Object.keys(entries))}`, path);
  }
  const inner = [...path, name];
  if (!isGroup(entry)) return parseCommand(globals, inner, entry, words);
  if (words.length === 0) return { kind: "help", path: inner, asked: false };
  const { given, rest } = scanOrThrow([HELP], words, inner, false);
  return given.length > 0
    ? { kind: "help", path: inner, asked: true }
    : parseGroup(globals, inner, entry.commands, rest);
}

function parseCommand(
  globals: GlobalOptions,
  path: readonly string[],
  command: Command,
  words: readonly string[],
): Parsed {
  const { given, rest } = scanOrThrow([...Object.values(command.options), HELP], words, path, true);
  if (given.some(({ option }) => option === HELP)) return { kind: "help", path, asked: true };
  const options = { ...readOptions(command.options, given, path), ...readArguments(command.arguments, rest, path) };
  return { kind: "run", globals, path, options };
}

function scanOrThrow(
  options: Iterable<Option>,
  words: readonly string[],
  path: readonly string[],
  interspersed: boolean,
): Scan {
  const scanned = scan(options, words, interspersed);
  if (scanned.error) throw new UsageError(scanned.error.message, path);
  return scanned;
}

/** Checks values in the order in which they were given, so that the first mistake is the one that is reported. */
function readOptions(
  options: Readonly<Record<string, Option>>,
  given: readonly Given[],
  path: readonly string[],
): Record<string, unknown> {
  const names = new Map(Object.entries(options).map(([name, option]) => [option, name]));
  const values = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.defaultValue]));
  const lists = new Map<string, unknown[]>();
  for (const { option, on, words } of given) {
    const name = names.get(option) ?? "";
    const label = `option '${option.flags.at(-1)}'`;
    const converted = words.map((word, index) => convert(option.words[index], word, label, path));
    const value = converted.length === 0 ? on : converted.length === 1 ? converted[0] : converted;
    if (option.multiple) {
      const list = lists.get(name) ?? [];
      lists.set(name, list);
      list.push(value);
      values[name] = list;
    } else {
      values[name] = value;
    }
  }
  return values;
}

function readArguments(
  descriptions: Readonly<Record<string, Argument>>,
  words: readonly string[],
  path: readonly string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let rest = words;
  for (const [name, { metavar, word: type, arity }] of Object.entries(descriptions)) {
    const count = arity === "any" || arity === "some" ? rest.length : 1;
    const taken = rest.slice(0, count).map((word) => convert(type, word, `argument ${metavar}`, path));
    rest = rest.slice(count);
    if (taken.length === 0 && (arity === "some" || arity === "one")) {
      throw new UsageError(`Missing argument ${metavar}.`, path);
    }
    values[name] = arity === "any" || arity === "some" ? taken : taken[0];
  }
  if (rest.length > 0) {
    throw new UsageError(`Too many arguments: ${rest.map((word) => `'${word}'`).join(" ")}.`, path);
  }
  return values;
}

function convert(type: Option["words"][number] | undefined, word: string, label: string, path: readonly string[]) {
  try {
    return type ? convertWord(type, word) : word;
  } catch (error) {
    throw new UsageError(`Invalid value for ${label}: ${error instanceof Error ? error.message : error}.`, path);
  }
}
