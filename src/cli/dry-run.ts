/** `build --dry-run`: the plan of a build, for people or as JSON. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPublicMetadata } from "../artifact/metadata.ts";
import { counted } from "../base/counted.ts";
import { assertResolved } from "../build/consistency.ts";
import { type Selection, select } from "../build/selection.ts";
import { jobScript } from "../views/job-script.ts";
import { type Plan, type PlannedElement, planOf } from "../views/plan.ts";
import type { PlannedImage } from "../views/planned-images.ts";
import type { RecordTools } from "../views/recorded-build.ts";
import type { CommandContext } from "./app.ts";
import type { Workbench } from "./workbench.ts";

interface DryRunOptions {
  readonly json: boolean;
  readonly showCommands: boolean;
}

/** @throws BstError domain pipeline, where a ref is missing */
export async function dryRun(
  context: CommandContext,
  bench: Workbench,
  selection: Selection,
  options: DryRunOptions,
): Promise<void> {
  const { targets, states, caches, signal } = bench;
  const reached = select(targets, "all");
  assertResolved(reached, bench.graph.keys);
  const wanted =
    selection === "all" ? reached : selection === "build" ? targets.flatMap((each) => each.buildDependencies) : targets;
  const plan = await planOf(bench, wanted, selection !== "none");
  const directory = mkdtempSync(join(tmpdir(), "bst-ts-dry-run-"));
  context.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const tools: RecordTools = {
    directory,
    signal,
    publicData: (element) => {
      const { artifact } = states.of(element);
      return artifact === undefined ? element.publicData : readPublicMetadata(caches.cas, artifact);
    },
  };
  context.print(await (options.json ? asJson : asText)(bench, plan, options.showCommands ? tools : undefined));
}

async function asText({ states }: Workbench, plan: Plan, tools: RecordTools | undefined): Promise<string> {
  const count = plan.elements.reduce((sum, { jobs }) => sum + jobs.length, 0);
  const summary =
    count === 0
      ? "Nothing to do: what is needed is in the cache"
      : `${counted(count, "job")} for ${plan.elements.length} of ${counted(plan.needed.size, "needed element")}`;
  const blocks: string[] = [];
  for (const planned of plan.elements) {
    const { element, jobs, neededBy, artifact, images } = planned;
    const lines = [`${element.fullName} (${element.kind}), key ${states.displayKey(element).brief}: ${neededBy}`];
    for (const job of jobs) {
      lines.push(`  ${job.action.padEnd(8)} ${job.why}`);
      const script = tools === undefined ? [] : await jobScript(job, tools);
      lines.push(...script.flatMap((line) => line.split("\n")).map((line) => `      ${line}`.trimEnd()));
    }
    if (makes(planned)) lines.push(`  makes    ${artifact}`);
    lines.push(...images.map((image, index) => `  image ${index}  ${describeImage(image)}`));
    blocks.push(lines.join("\n"));
  }
  return [summary, ...blocks].join("\n\n");
}

/** Whether an artifact comes to be here: not where one is only sent. */
function makes({ jobs }: PlannedElement): boolean {
  return jobs.some(({ action }) => action === "build" || action === "pull");
}

function describeImage({ platform, tags, parent, layer, layers }: PlannedImage): string {
  const parts = [platform, ...tags];
  if (parent !== undefined) parts.push(`on top of ${parent}`);
  if (layer.length === 0) parts.push("no new layer");
  else parts.push(`${layers === 1 ? "one new layer" : `up to ${layers} new layers`} of ${layer.join(", ")}`);
  return parts.join(", ");
}

async function asJson({ states, targets }: Workbench, plan: Plan, tools: RecordTools | undefined): Promise<string> {
  const jobs: object[] = [];
  for (const planned of plan.elements) {
    const { element, neededBy, artifact, images } = planned;
    for (const job of planned.jobs) {
      const script = tools === undefined ? undefined : await jobScript(job, tools);
      jobs.push({
        action: job.action,
        element: element.fullName,
        kind: element.kind,
        key: states.displayKey(element).full,
        why: job.why,
        neededBy,
        ...((job.action === "build" || job.action === "pull") && { artifact }),
        ...(job.action === "build" && images.length > 0 && { images }),
        ...(script !== undefined && { script }),
      });
    }
  }
  const data = { targets: targets.map(({ fullName }) => fullName), needed: plan.needed.size, jobs };
  return JSON.stringify(data, undefined, 2);
}
