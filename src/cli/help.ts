/** Help pages and usage lines, made from the descriptions of commands. */
import { metavarOf } from "./convert.ts";
import { HELP } from "./scan.ts";
import { commands } from "./spec/commands.ts";
import { program } from "./spec/globals.ts";
import { type Argument, type Command, type Group, isGroup, type Option } from "./spec/types.ts";

export const PROGRAM = "bst-ts";

const WIDTH = 80;
const COLUMN = 30;

/** The command or group that the words name; the program itself for none; undefined for unknown words. */
export function findEntry(path: readonly string[]): Command | Group | undefined {
  let entry: Command | Group | undefined = { summary: "", description: program.description, commands };
  for (const word of path) {
    entry = entry && isGroup(entry) && Object.hasOwn(entry.commands, word) ? entry.commands[word] : undefined;
  }
  return entry;
}

/** `Usage: bst-ts build [OPTIONS] [ELEMENTS]...` */
export function formatUsage(path: readonly string[]): string {
  const entry = findEntry(path);
  const words = [PROGRAM, ...path, "[OPTIONS]"];
  if (entry && isGroup(entry)) words.push("COMMAND", "[ARGS]...");
  else if (entry) words.push(...Object.values(entry.arguments).map(formatArgument));
  return `Usage: ${words.join(" ")}`;
}

/** The whole page, with a line end; a description that is undefined for words that name no command. */
export function formatHelp(path: readonly string[]): string | undefined {
  const entry = findEntry(path);
  if (entry === undefined) return undefined;
  const options = path.length === 0 ? program.options : isGroup(entry) ? {} : entry.options;
  const sections = [
    formatUsage(path),
    ...entry.description.map(formatParagraph),
    `Options:\n${formatTable([...Object.values(options), HELP].map((option) => [formatFlags(option), describe(option)]))}`,
  ];
  if (isGroup(entry)) {
    const names = Object.keys(entry.commands).sort();
    const rows = names.map((name): [string, string] => [name, findEntry([...path, name])?.summary ?? ""]);
    sections.push(`Commands:\n${formatTable(rows)}`);
  }
  return `${sections.join("\n\n")}\n`;
}

function formatArgument({ metavar, arity }: Argument): string {
  switch (arity) {
    case "one":
      return metavar;
    case "optional":
      return `[${metavar}]`;
    case "any":
      return `[${metavar}]...`;
    case "some":
      return `${metavar}...`;
  }
}

function formatFlags({ flags, negative, words, metavar }: Option): string {
  const names = [flags.join(", "), ...negative].join(" / ");
  const values = metavar ?? words.map(metavarOf).join(" ");
  return values === "" ? names : `${names} ${values}`;
}

function describe({ help, showDefault, defaultValue }: Option): string {
  return showDefault ? `${help}  [default: ${defaultValue}]` : help;
}

function formatParagraph(paragraph: string): string {
  const lines = paragraph.startsWith(" ")
    ? paragraph.split("\n").map((line) => ` ${line}`)
    : wrap(paragraph, WIDTH - 4);
  return lines.map((line) => `  ${line}`.trimEnd()).join("\n");
}

function formatTable(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(COLUMN, Math.max(...rows.map(([term]) => term.length)));
  return rows
    .map(([term, text]) => {
      const lines = wrap(text, WIDTH - width - 6);
      const [first = "", ...rest] = term.length > width ? ["", ...lines] : lines;
      return [`  ${term.padEnd(width)}  ${first}`, ...rest.map((line) => " ".repeat(width + 4) + line)]
        .map((line) => line.trimEnd())
        .join("\n");
    })
    .join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
