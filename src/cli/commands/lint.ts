/** `lint`: mistakes that make images wrong in ways that no build complains of. */

import { relative } from "node:path";
import { counted } from "../../base/counted.ts";
import { BstError } from "../../base/errors.ts";
import { select } from "../../build/selection.ts";
import type { Digest } from "../../cas/digest.ts";
import { type ArtifactFiles, some } from "../../views/contents.ts";
import { rootOfImage } from "../../views/image-files.ts";
import { imagesOf, type LintImage } from "../../views/images.ts";
import type { Finding, LintContext, Unchecked } from "../../views/lint/finding.ts";
import { type LintResult, lint } from "../../views/lint/lint.ts";
import { RULES } from "../../views/lint/rules.ts";
import type { CommandContext, Run } from "../app.ts";
import { artifactFiles } from "../seen-files.ts";
import { openWorkbench, type Workbench } from "../workbench.ts";

const FOUND = 1;

export const run: Run<"lint"> = async (context, { elements, rule, json, listRules }) => {
  if (listRules) {
    const width = Math.max(...RULES.map(({ id }) => id.length));
    const list = RULES.map(({ id, summary }) => (json ? { id, summary } : `${id.padEnd(width)}  ${summary}`));
    context.print(json ? JSON.stringify(list, undefined, 2) : list.join("\n"));
    return undefined;
  }
  const isWhole = elements.length === 0;
  const bench = await openWorkbench(context, { targets: isWhole ? ["**.bst"] : elements });
  const result = lint(await contextOf(bench, isWhole), rule);
  context.print(json ? asJson(context, result) : asText(context, result));
  return result.findings.some(({ severity }) => severity !== "note") ? FOUND : undefined;
};

async function contextOf(bench: Workbench, isWhole: boolean): Promise<LintContext> {
  const { targets } = bench;
  // What a subproject has is its own affair, unless it is asked for.
  const projects = new Set(targets.map(({ project }) => project));
  const all = select(targets, "all").filter(({ kind }) => kind !== "junction" && kind !== "link");
  const elements = all.filter(({ project }) => projects.has(project));
  const made = elements.map((element) => [element, imagesOf(element)] as const);
  const imagesByElement = new Map(made.filter(([, images]) => images.length > 0));
  const images = [...imagesByElement.values()].flat();
  const files = artifactFiles(bench);
  const roots = await rootsOf(bench, files, images);
  return { ...files, elements, isWhole, images, imagesByElement, root: (image) => roots.get(image) };
}

/** Of those images that are in the cache. */
async function rootsOf({ caches, signal }: Workbench, { cas, files }: ArtifactFiles, images: readonly LintImage[]) {
  const roots = new Map<LintImage, Digest>();
  for (const image of images) {
    const { element, index } = image;
    const tree = files(element);
    if (tree === undefined) continue;
    try {
      const tools = { memoDirectory: caches.memoDirectory, signal };
      roots.set(image, await rootOfImage(cas, tree, index, element.fullName, tools));
    } catch (error) {
      // What can't be read is not a matter of this command.
      if (!(error instanceof BstError)) throw error;
    }
  }
  return roots;
}

function position({ cwd }: CommandContext, { place: { file, line, column } }: Finding): string {
  return `${relative(cwd, file)}:${line}:${column}`;
}

function asText(context: CommandContext, { findings, unchecked, ignored }: LintResult): string {
  const lines = findings.map((finding) => {
    const { rule, severity, element, message, advice } = finding;
    return `${position(context, finding)}: ${severity}: ${message} [${rule}]\n    ${element.fullName}: ${advice}.`;
  });
  const byRule = new Map<string, { elements: string[]; missing: Set<string> }>();
  for (const { rule, element, missing } of mergeUnchecked(unchecked)) {
    const entry = byRule.get(rule) ?? { elements: [], missing: new Set() };
    byRule.set(rule, entry);
    entry.elements.push(element);
    for (const each of missing) entry.missing.add(each);
  }
  for (const [rule, { elements, missing }] of byRule) {
    lines.push(`not checked: ${rule} of ${some(elements)}; not in the cache: ${some([...missing])}`);
  }
  const counts = (["error", "warning", "note"] as const).map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return counted(count, severity);
  });
  if (ignored > 0) counts.push(`${ignored} ignored`);
  lines.push(counts.join(", "));
  return lines.join("\n");
}

function asJson(context: CommandContext, { findings, unchecked, ignored }: LintResult): string {
  const data = {
    findings: findings.map(({ rule, severity, element, place, message, advice }) => ({
      rule,
      severity,
      element: element.fullName,
      file: relative(context.cwd, place.file),
      line: place.line,
      column: place.column,
      message,
      advice,
    })),
    unchecked: mergeUnchecked(unchecked),
    ignored,
  };
  return JSON.stringify(data, undefined, 2);
}

/** Each once; what could not be checked has one line for each rule and element. */
function mergeUnchecked(unchecked: readonly Unchecked[]) {
  const merged = new Map<string, { rule: string; element: string; missing: string[] }>();
  for (const { rule, element, missing } of unchecked) {
    const entry = merged.get(`${rule} ${element.fullName}`) ?? { rule, element: element.fullName, missing: [] };
    merged.set(`${rule} ${element.fullName}`, entry);
    entry.missing = [...new Set([...entry.missing, ...missing.map((each) => each.fullName)])];
  }
  return [...merged.values()];
}
