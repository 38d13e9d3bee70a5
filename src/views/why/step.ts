/** The steps on a file's way. */
import type { Element } from "../../project/element.ts";
import type { Place } from "../place.ts";

export type Outcome =
  /** It comes from there. */
  | "installs"
  /** Commands made it of something else, or of nothing. */
  | "makes"
  | "keeps"
  /** It stands over that of another element. */
  | "replaces"
  | "changes"
  /** By its domain. */
  | "leaves-out"
  | "removes"
  /** It was lost before. */
  | "lacks"
  /** What is not in the cache can't be looked into. */
  | "unknown";

export interface Step {
  readonly element: Element;
  readonly outcome: Outcome;
  readonly text: string;
  /** What is said of several files that went the same way, where the text names one of them. */
  readonly shared?: string;
  readonly place?: Place;
}

/** The way of one path into an element, or to where it was lost. */
export interface Way {
  /** Undefined where an artifact is missing to tell. */
  readonly isThere: boolean | undefined;
  /** From its origin; none where nothing is known of such a path. */
  readonly steps: readonly Step[];
}
