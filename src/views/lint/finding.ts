/** What rules are, what they look at, and what they find. */
import type { Digest } from "../../cas/digest.ts";
import type { Element } from "../../project/element.ts";
import type { ArtifactFiles } from "../contents.ts";
import type { LintImage } from "../images.ts";
import type { Place } from "../place.ts";
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

/** A check that artifacts are missing for. */
export interface Unchecked {
  readonly rule: RuleId;
  readonly element: Element;
  readonly missing: readonly Element[];
}

export interface LintContext extends ArtifactFiles {
  /** What findings are about: elements of the project itself, each after what it depends on. */
  readonly elements: readonly Element[];
  /** Whether these are all of the project's. */
  readonly isWhole: boolean;
  readonly images: readonly LintImage[];
  /** The file system of an image; undefined where it is not in the cache. */
  root(image: LintImage): Digest | undefined;
  /** The same images, under the elements that make them. */
  readonly imagesByElement: ReadonlyMap<Element, readonly LintImage[]>;
}

export interface Rule {
  readonly id: RuleId;
  /** One sentence for the list of rules. */
  readonly summary: string;
  check(context: LintContext): Iterable<Finding | Unchecked>;
}

/** Where a warning about what a command does stands, and whose it is: all but its words. */
export function warningAt({ id: rule }: Rule, element: Element, { place }: { readonly place: Place }) {
  return { rule, severity: "warning", element, place } as const;
}

export function isFinding(item: Finding | Unchecked): item is Finding {
  return "severity" in item;
}
