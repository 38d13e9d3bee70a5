/** `completion SHELL`: the script that makes a shell ask this program for completions. */
import type { Run } from "../app.ts";
import { completionScript } from "../completion/scripts.ts";

export const run: Run<"completion"> = ({ print }, { shell }) => {
  print(completionScript(shell));
  return undefined;
};
