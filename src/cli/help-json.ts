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
  const isOwn = path.some((_, i) => findEntry(path.slice(0, i))?.own === true);
  return JSON.stringify(describe(name, entry, isOwn, path.length === 0 ? program.options : undefined), undefined, 2);
}

/**
 * @param isInOwn whether it is below a group that BuildStream has not
 * @param options in place of the entry's own
 */
function describe(
  name: string,
  entry: Command | Group,
  isInOwn: boolean,
  options: Readonly<Record<string, Option>> = isGroup(entry) ? {} : entry.options,
): object {
  const isOwn = isInOwn || entry.own === true;
  return {
    name,
    summary: entry.summary,
    description: entry.description,
    // Whether BuildStream has it as well.
    buildstream: !isOwn,
    options: [...Object.values(options), HELP].map((option) => describeOption(option, isOwn)),
    ...(isGroup(entry)
      ? { commands: Object.entries(entry.commands).map(([each, below]) => describe(each, below, isOwn)) }
      : { arguments: Object.values(entry.arguments).map(describeArgument) }),
  };
}

/** @param isOwn whether the command is one that BuildStream has not */
function describeOption(option: Option, isOwn: boolean) {
  const { flags, negative, help, words, multiple, metavar, defaultValue, showDefault, own } = option;
  return {
    flags,
    ...(negative.length > 0 && { negative }),
    help,
    values: words.map(describeValue),
    multiple,
    ...(metavar !== undefined && { metavar }),
    ...(showDefault && { default: defaultValue }),
    buildstream: !isOwn && !own,
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
