/** `artifact show`: whether artifacts are in the cache. */
import { createStyles, type Format } from "../../report/style.ts";
import type { Run } from "../app.ts";
import { nameOf, openArtifacts, type Subject } from "../artifacts.ts";

const WIDTH = 12;

export const run: Run<"artifact show"> = async (context, { artifacts, deps }) => {
  const { subjects } = await openArtifacts(context, artifacts, deps);
  const { paint } = createStyles(context.colors);
  const lines = subjects.map((subject) => {
    const [color, state] = stateOf(subject);
    return `${paint(color, state.padStart(WIDTH))} ${paint("yellow", nameOf(subject))}\n`;
  });
  context.print(lines.join(""));
  return undefined;
};

function stateOf({ record }: Subject): [color: Format, state: string] {
  if (record === undefined) return ["redBright", "not cached"];
  return record.buildSuccess ? ["magenta", "cached"] : ["red", "failed"];
}
