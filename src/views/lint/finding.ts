/** What rules are, what they look at, and what they find. */
import type { Digest } from "../../cas/digest.ts";
import type { Cas } from "../../cas/store.ts";
import type { Element } from "../../project/element.ts";
import type { MappingNode, Node } from "../../yaml/node.ts";
import type { LintImage } from "./images.ts";
import type { RuleId } from "./rule-ids.ts";

export type Severity = "error" | "warning" | "note";

export interface Finding {
  /** The id of a rule, or `unknown-rule`. */
  readonly rule: RuleId | "unknown-rule";
  readonly severity: Severity;
  readonly element: Element;
  readonly place: Place;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}

export interface Place {
  /** Absolute path. */
  readonly file: string;
  /** Counted from 1, as is the column. */
  readonly line: number;
  readonly column: number;
}

/** A check that artifacts are missing for. */
export interface Unchecked {
  readonly rule: RuleId;
  readonly element: Element;
  readonly missing: readonly Element[];
}

export interface LintContext {
  readonly cas: Cas;
  /** What findings are about: elements of the project itself, each after what it depends on. */
  readonly elements: readonly Element[];
  /** Whether these are all of the project's. */
  readonly isWhole: boolean;
  readonly images: readonly LintImage[];
  /** The files of an element in the cache; undefined where its artifact is not there. */
  files(element: Element): Digest | undefined;
  /** Public data as the build left them, where the artifact is there. */
  publicData(element: Element): MappingNode;
}

export interface Rule {
  readonly id: RuleId;
  /** One sentence for the list of rules. */
  readonly summary: string;
  check(context: LintContext): Iterable<Finding | Unchecked>;
}

export function isFinding(item: Finding | Unchecked): item is Finding {
  return "severity" in item;
}

export function placeOf(node: Node): Place {
  return { file: node.file.path, line: node.line + 1, column: Math.max(0, node.column) + 1 };
}
