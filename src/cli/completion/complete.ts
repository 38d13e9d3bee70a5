/** Shell completion: what may follow on a command line that is not finished. */
import { findEntry } from "../help.ts";
import { writeOutput } from "../output.ts";
import { type Given, HELP, scan } from "../scan.ts";
import { commands } from "../spec/commands.ts";
import { program } from "../spec/globals.ts";
import { type Argument, type Group, isGroup, type Option, type ValueType } from "../spec/types.ts";
import { completePath } from "./paths.ts";
import type { Places } from "./targets.ts";
import { splitWords } from "./words.ts";

/** A command line up to the cursor. */
export interface Line {
  /** Words before the one at the cursor, without the program's name. */
  readonly before: readonly string[];
  readonly incomplete: string;
  /** Arguments of this process itself, which may name a user configuration. */
  readonly args: readonly string[];
  /** Leave out what BuildStream does not have. */
  readonly compatible: boolean;
}

/**
 * Prints completions, one a line; those that complete a word end with a space. The variables are those that
 * BuildStream's scripts set: COMP_WORDS, COMP_CWORD, and `_BST_COMPLETION`, which is `complete` in these.
 */
export async function printCompletions(
  args: readonly string[],
  { COMP_WORDS = "", COMP_CWORD = "0", _BST_COMPLETION }: NodeJS.ProcessEnv,
): Promise<void> {
  const words = splitWords(COMP_WORDS);
  const at = Number(COMP_CWORD);
  const compatible = _BST_COMPLETION === "complete";
  const line = { before: words.slice(1, at), incomplete: words[at] ?? "", args, compatible };
  writeOutput((await complete(line)).map((completion) => `${completion}\n`).join(""));
}

/** What the words before the cursor have been understood as. */
interface Position {
  readonly options: readonly Option[];
  readonly arguments: readonly Argument[];
  /** Arguments that were given already. */
  readonly taken: readonly string[];
  readonly commands: Group["commands"];
}

export async function complete({ before, incomplete, args, compatible }: Line): Promise<string[]> {
  const start = scan(Object.values(program.options), before, false);
  const position = locate(start.given, start.error ? [] : start.rest);
  if (position === undefined) return [];

  const places = findPlaces(start.given, args);
  const isOffered = (entry: { own?: boolean }) => !(compatible && entry.own);
  // Bash takes `--option=value` for three words, others for one, which they want to get back whole.
  const assignment = /^(--[^=]+)=(.*)$/s.exec(incomplete);
  const words = [...before, ...(assignment?.[1] === undefined ? [] : [assignment[1]])].filter((word) => word !== "=");
  const prefix = assignment?.[2] ?? (incomplete === "=" ? "" : incomplete);

  let found: string[];
  const value = optionValue(position.options, words);
  if (prefix.startsWith("-") && value === undefined) {
    found = position.options
      .filter((option) => isOffered(option) && !(compatible && option === HELP))
      .flatMap(({ flags, negative, multiple }) => [...flags, ...negative].filter((f) => multiple || !words.includes(f)))
      .map((name) => `${name} `);
  } else {
    const type = value ?? nextArgument(position)?.word;
    if (type) found = await completeValue(type, prefix, position.taken, places, isOffered);
    else found = commandNames(position.commands, isOffered);
  }
  const kept = compatible || assignment === null ? "" : `${assignment[1]}=`;
  return found.filter((completion) => completion.startsWith(prefix)).map((completion) => kept + completion);
}

/** Follows the commands among the words; undefined where they name none. */
function locate(given: readonly Given[], rest: readonly string[]): Position | undefined {
  if (given.some(({ option }) => option === program.options.version)) return undefined;
  let position: Position = { options: [...Object.values(program.options), HELP], arguments: [], taken: [], commands };
  let words = rest;
  while (words[0] !== undefined) {
    const entry = Object.hasOwn(position.commands, words[0]) ? position.commands[words[0]] : undefined;
    if (entry === undefined) return undefined;
    if (!isGroup(entry)) {
      const options = [...Object.values(entry.options), HELP];
      const { rest: taken } = scan(options, words.slice(1), true);
      return { options, arguments: Object.values(entry.arguments), taken, commands: {} };
    }
    words = scan([HELP], words.slice(1), false).rest;
    position = { options: [HELP], arguments: [], taken: [], commands: entry.commands };
  }
  return position;
}

/** The type of the word that the option before the cursor still needs. */
function optionValue(options: readonly Option[], words: readonly string[]): ValueType | undefined {
  for (const option of options) {
    for (const [index, type] of option.words.entries()) {
      if (option.flags.includes(words.at(-1 - index) ?? "")) return type;
    }
  }
  return undefined;
}

function nextArgument({ arguments: all, taken }: Position): Argument | undefined {
  return all.find(({ arity }, index) => arity === "any" || arity === "some" || taken.length <= index);
}

function findPlaces(given: readonly Given[], args: readonly string[]): Places {
  const value = (option: Option, list: readonly Given[]) => list.findLast((item) => item.option === option)?.words[0];
  const own = scan(Object.values(program.options), args, false).given;
  const { directory, config } = program.options;
  return { directory: value(directory, given), config: value(config, given) ?? value(config, own) };
}

/** Where images can be, besides in the cache. */
const TRANSPORTS = ["docker://", "oci:", "oci-archive:", "docker-archive:"];

async function completeValue(
  type: ValueType,
  prefix: string,
  taken: readonly string[],
  places: Places,
  isOffered: (entry: { own?: boolean }) => boolean,
): Promise<string[]> {
  switch (type.kind) {
    case "choice":
      return type.choices.map((choice) => `${choice} `);
    case "path":
      return completePath(prefix, { directoriesOnly: type.path.type === "directory" });
    case "element":
    case "artifact": {
      // They read YAML, which takes longer to load than all the rest.
      const { listArtifacts, listElements } = await import("./targets.ts");
      return [...listElements(prefix, places), ...(type.kind === "artifact" ? listArtifacts(prefix, places) : [])];
    }
    case "image": {
      const [, transport = "", path] = /^((?:oci|oci-archive|docker-archive):)(.*)$/s.exec(prefix) ?? [];
      if (path !== undefined) return completePath(path, {}).map((completion) => transport + completion);
      const { listElements } = await import("./targets.ts");
      return [...listElements(prefix, places), ...TRANSPORTS];
    }
    case "command": {
      const entry = findEntry(taken);
      return entry && isGroup(entry) ? commandNames(entry.commands, isOffered) : [];
    }
    default:
      return [];
  }
}

function commandNames(entries: Group["commands"], isOffered: (entry: { own?: boolean }) => boolean): string[] {
  return Object.entries(entries)
    .filter(([, entry]) => isOffered(entry))
    .map(([name]) => `${name} `);
}
