/** `why`: the way of a file into an image, or the step where it was dropped. */
import { relative } from "node:path";
import { BstError } from "../../base/errors.ts";
import { some } from "../../views/contents.ts";
import { imagesOf } from "../../views/images.ts";
import type { Step } from "../../views/why/step.ts";
import { type Answer, whyOf } from "../../views/why/why.ts";
import type { CommandContext, Run } from "../app.ts";
import { seenFiles } from "../seen-files.ts";
import { UsageError } from "../usage.ts";
import { openWorkbench } from "../workbench.ts";

const NOTHING_KNOWN = 1;

export const run: Run<"why"> = async (context, { file, image: name, json, index }) => {
  if (file === "") throw new UsageError("FILE is a path, a folder or a pattern, and not nothing.", ["why"]);
  const bench = await openWorkbench(context, { targets: [name] });
  const [element] = bench.targets;
  if (element === undefined) return NOTHING_KNOWN;
  if (element.kind === "junction") {
    throw new BstError("element", `${element.fullName} is a junction: name an element of its project`, {
      reason: "no-files",
    });
  }
  const images = imagesOf(element).length;
  const { answers, missing } = whyOf(await seenFiles(bench, element, index), element, file);
  const image = images > 1 ? `image ${index ?? 0} of the ${images} of ${element.fullName}` : element.fullName;
  if (json) {
    const described = answers.map((answer) => describeAnswer(context, answer));
    const absent = missing.map(({ fullName }) => fullName);
    context.print(
      JSON.stringify(
        { image: element.fullName, ...(images > 1 && { index: index ?? 0 }), files: described, missing: absent },
        undefined,
        2,
      ),
    );
  } else {
    const blocks = group(answers).map((alike) => asText(context, alike, image));
    if (blocks.length === 0) blocks.push(`No file ${file} is in any part of ${image}`);
    if (missing.length > 0) {
      blocks.push(
        `Not looked into, since they are not in the cache: ${some(
          missing.map(({ fullName }) => fullName),
          8,
        )}`,
      );
    }
    context.print(blocks.join("\n\n"));
  }
  return answers.some(({ steps, elsewhere }) => steps.length + elsewhere.length > 0) ? undefined : NOTHING_KNOWN;
};

function describeAnswer(context: CommandContext, { path, asked, isThere, steps, elsewhere }: Answer) {
  return {
    path,
    ...(asked !== undefined && asked !== path && { asked }),
    // Null where an artifact is missing to tell.
    present: isThere ?? null,
    steps: steps.map(({ element, outcome, text, place }) => ({
      element: element.fullName,
      kind: element.kind,
      outcome,
      text,
      ...(place && { file: relative(context.cwd, place.file), line: place.line, column: place.column }),
    })),
    ...(elsewhere.length > 0 && { elsewhere: elsewhere.map(({ fullName }) => fullName) }),
  };
}

/** Files that went the same way. */
function group(answers: readonly Answer[]): Answer[][] {
  const groups = new Map<string, Answer[]>();
  for (const answer of answers) {
    const way = answer.steps.map(
      ({ element, outcome, text, shared }) => `${outcome} ${element.fullName} ${shared ?? text}`,
    );
    const key = [answer.isThere, ...way, ...answer.elsewhere.map(({ fullName }) => fullName)].join("\n");
    const alike = groups.get(key);
    if (alike === undefined) groups.set(key, [answer]);
    else alike.push(answer);
  }
  return [...groups.values()];
}

function asText(context: CommandContext, answers: readonly Answer[], image: string): string {
  const [first] = answers;
  if (first === undefined) return "";
  const { path, asked, isThere, steps, elsewhere } = first;
  const what = answers.length === 1 ? path : some(answers.map((answer) => answer.path));
  const be = answers.length === 1 ? "is" : "are";
  const verdict =
    isThere === undefined ? `: ${image} is not in the cache` : `${be} ${isThere ? "" : "not "}in ${image}`;
  const lines = [`${what} ${verdict}`.replace(" :", ":")];
  if (asked !== undefined && asked !== path) lines.push(`  ${asked} leads there through links`);
  lines.push(...steps.map((step) => `  ${asLine(context, step, answers.length > 1)}`));
  if (steps.length === 0) {
    lines.push(
      elsewhere.length === 0
        ? "  nothing that it is made of has such a file"
        : `  ${some(elsewhere.map(({ fullName }) => fullName))} has it, and is needed to build it but is part of no layer`,
    );
  }
  return lines.join("\n");
}

function asLine({ cwd }: CommandContext, { element, text, shared, place }: Step, isOfSeveral: boolean): string {
  const at = place === undefined ? "" : ` (${relative(cwd, place.file)}:${place.line}:${place.column})`;
  return `${element.fullName} (${element.kind}): ${isOfSeveral ? (shared ?? text) : text}${at}`;
}
