/** `why-key`: what changed since an artifact was built, so that the key is another now. */
import { relative } from "node:path";
import { BstError } from "../../base/errors.ts";
import { type Change, type Comparison, whyKey } from "../../views/why-key.ts";
import type { CommandContext, Run } from "../app.ts";
import { openWorkbench } from "../workbench.ts";

const SHOWN = 70;

export const run: Run<"why-key"> = async (context, { element: name, against, json }) => {
  const bench = await openWorkbench(context, { targets: [name] });
  const [element] = bench.targets;
  const comparisons = element && whyKey(bench, element, against);
  if (element === undefined || comparisons === undefined) {
    const which = against === undefined ? "another key" : `the key ${against}`;
    throw new BstError("stream", `There is no artifact of ${name} with ${which} in the cache`, {
      reason: "nothing-to-compare",
    });
  }
  context.print(json ? asJson(context, comparisons) : asText(context, comparisons));
  return undefined;
};

function asText(context: CommandContext, comparisons: readonly Comparison[]): string {
  const blocks: string[] = [];
  for (const [i, { element, now, before, changes, added, removed, others, isPartial }] of comparisons.entries()) {
    const lines = [`${element.fullName} has the key ${brief(now)}, and had ${brief(before)}`];
    lines.push(...changes.map((change) => `  ${describe(context, change)}`));
    lines.push(...added.map((each) => `  is now built with ${each}`));
    lines.push(...removed.map((each) => `  is no longer built with ${each}`));
    if (others.length > 0)
      lines.push(`  is built with other artifacts of ${others.map(({ fullName }) => fullName).join(", ")}`);
    if (isPartial) lines.push("  what else it said itself is not known: it was built elsewhere");
    else if (lines.length === 1)
      lines.push("  nothing that goes into keys is another: it may have been built differently");
    // Of what is in between only the beginning and what changed by itself tells something.
    if (i === 0 || changes.length + added.length + removed.length > 0 || isPartial) blocks.push(lines.join("\n"));
  }
  return blocks.join("\n\n");
}

function brief(key: string | undefined): string {
  return key === undefined ? "no key" : key.slice(0, 8);
}

function describe({ cwd }: CommandContext, { field, before, after, place }: Change): string {
  const at = place === undefined ? "" : ` (${relative(cwd, place.file)}:${place.line}:${place.column})`;
  const [old, current] = [short(before, after), short(after, before)];
  if (before === undefined) return `${field} is new: ${current}${at}`;
  if (after === undefined) return `${field} is gone: ${old}${at}`;
  return `${field}: ${old} became ${current}${at}`;
}

/** Of long texts the part that differs. */
function short(value: unknown, other: unknown): string {
  const [text, theirs] = [JSON.stringify(value) ?? "", JSON.stringify(other) ?? ""];
  if (text.length <= SHOWN) return text;
  let start = 0;
  while (start < text.length && text[start] === theirs[start]) start++;
  const from = Math.max(0, Math.min(start - 20, text.length - SHOWN));
  return `${from > 0 ? "…" : ""}${text.slice(from, from + SHOWN)}${from + SHOWN < text.length ? "…" : ""}`;
}

function asJson({ cwd }: CommandContext, comparisons: readonly Comparison[]): string {
  const data = comparisons.map(({ element, now, before, changes, isPartial, added, removed, others }) => ({
    element: element.fullName,
    now: now ?? null,
    before,
    changes: changes.map(({ place, ...change }) => ({
      ...change,
      ...(place && { file: relative(cwd, place.file), line: place.line, column: place.column }),
    })),
    partial: isPartial,
    added,
    removed,
    others: others.map(({ fullName }) => fullName),
  }));
  return JSON.stringify(data, undefined, 2);
}
