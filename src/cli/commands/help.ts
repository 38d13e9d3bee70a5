/** `help [COMMAND]`: the page that `COMMAND --help` prints, on the standard error as BuildStream does it, or JSON. */
import type { Run } from "../app.ts";
import { EXIT } from "../failure.ts";
import { findEntry, formatHelp, PROGRAM } from "../help.ts";
import { describeCommands } from "../help-json.ts";
import { isGroup } from "../spec/types.ts";

export const run: Run<"help"> = ({ print, printError }, { command, json }) => {
  const entry = findEntry(command);
  const page = formatHelp(command);
  if (entry === undefined || page === undefined) {
    printError(`There is no command '${[PROGRAM, ...command].join(" ")}'`);
    return EXIT.failure;
  }
  if (json) {
    print(describeCommands(command) ?? "");
    return EXIT.success;
  }
  printError(page.trimEnd());
  if (isGroup(entry)) printError(`\nOn one of these commands: ${[PROGRAM, "help", ...command, "COMMAND"].join(" ")}`);
  return EXIT.success;
};
