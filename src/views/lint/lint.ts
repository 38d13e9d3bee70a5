/** Checks elements by rules, and leaves out what their public data say is meant so. */
import type { Element } from "../../project/element.ts";
import { placeOf } from "../place.ts";
import { type Finding, isFinding, type LintContext, type Unchecked } from "./finding.ts";
import type { RuleId } from "./rule-ids.ts";
import { RULES } from "./rules.ts";

export interface LintResult {
  /** By file and line. */
  readonly findings: readonly Finding[];
  readonly unchecked: readonly Unchecked[];
  /** How many findings elements ask to be left out. */
  readonly ignored: number;
}

const UNKNOWN = "unknown-rule";

/** @param only ids of the rules to check; all where there are none */
export function lint(context: LintContext, only: readonly RuleId[] = []): LintResult {
  const findings: Finding[] = [];
  const unchecked: Unchecked[] = [];
  // Of several images the same can be wrong.
  const told = new Set<string>();
  let ignored = 0;
  for (const rule of RULES) {
    if (only.length > 0 && !only.includes(rule.id)) continue;
    for (const item of rule.check(context)) {
      if (!context.elements.includes(item.element)) continue;
      const isIgnored = ignoredRules(item.element).some(({ value }) => value === item.rule);
      if (!isFinding(item)) {
        if (!isIgnored) unchecked.push(item);
      } else if (isIgnored) ignored++;
      else if (!told.has(textOf(item))) {
        told.add(textOf(item));
        findings.push(item);
      }
    }
  }
  if (only.length === 0) for (const element of context.elements) findings.push(...unknownRules(element));
  findings.sort(
    (a, b) => compare(a.place.file, b.place.file) || a.place.line - b.place.line || a.place.column - b.place.column,
  );
  return { findings, unchecked, ignored };
}

function* unknownRules(element: Element): Generator<Finding> {
  for (const node of ignoredRules(element)) {
    if (RULES.some(({ id }) => id === node.value)) continue;
    yield {
      rule: UNKNOWN,
      severity: "warning",
      element,
      place: placeOf(node),
      message: `There is no rule ${node.value} to ignore`,
      advice: `Rules are: ${RULES.map(({ id }) => id).join(", ")}`,
    };
  }
}

/** What `public: lint: ignore:` lists. */
function ignoredRules(element: Element) {
  return element.publicData.mapping("lint")?.sequence("ignore")?.scalars() ?? [];
}

function textOf({ rule, element, message, place: { file, line, column } }: Finding): string {
  return [rule, element.fullName, message, file, line, column].join("\0");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
