/** The command line described as JSON, for programs that build on it. */
import { findEntry, PROGRAM } from "./help.ts";
import { HELP } from "./scan.ts";
import { program } from "./spec/globals.ts";
import { type Argument, type Command, type Group, isGroup, type Option, type ValueType } from "./spec/types.ts";

/** A command or group with all below it; undefined for words that name none. */
export function describeCommands(path: readonly string[]): string | undefined {
  const entry = findEntry(path);
  if (entry === undefined) return undefined;
  const name = path.at(-1) ?? PROGRAM;
  return JSON.stringify(describe(name, entry, path.length === 0 ? program.options : undefined), undefined, 2);
}

/** @param options in place of the entry's own */
function describe(name: string, entry: Command | Group, options?: Readonly<Record<string, Option>>): object {
  const own = options ?? (isGroup(entry) ? {} : entry.options);
  return {
    name,
    summary: entry.summary,
    description: entry.description,
    // Whether BuildStream has it as well.
    buildstream: entry.own !== true,
    options: [...Object.values(own), HELP].map(describeOption),
    ...(isGroup(entry)
      ? { commands: Object.entries(entry.commands).map(([each, below]) => describe(each, below)) }
      : { arguments: Object.values(entry.arguments).map(describeArgument) }),
  };
}

function describeOption({ flags, negative, help, words, multiple, metavar, defaultValue, showDefault, own }: Option) {
  return {
    flags,
    ...(negative.length > 0 && { negative }),
    help,
    values: words.map(describeValue),
    multiple,
    ...(metavar !== undefined && { metavar }),
    ...(showDefault && { default: defaultValue }),
    buildstream: !own,
  };
}

function describeArgument({ metavar, word, arity }: Argument) {
  return {
    name: metavar,
    value: describeValue(word),
    required: arity === "one" || arity === "some",
    multiple: arity === "any" || arity === "some",
  };
}

function describeValue(type: ValueType): object {
  switch (type.kind) {
    case "path": {
      const { type: of, ...rules } = type.path;
      return { type: "path", of, ...rules };
    }
    case "choice":
      return { type: "choice", choices: type.choices };
    case "remote":
      return { type: "remote", purpose: type.purpose };
    default:
      return { type: type.kind };
  }
}
