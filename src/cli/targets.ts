/** What the words behind a command name: elements, artifacts, or patterns of either. */

import { parseRef } from "../artifact/refs.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import { BstError } from "../base/errors.ts";
import { glob } from "../base/glob.ts";
import type { Messenger } from "../base/messages.ts";

const DETAIL = "Names of elements, and patterns of them, end in '.bst'; names of artifacts are PROJECT/ELEMENT/KEY.";

export interface Targets {
  /** Names of elements, and patterns of them. */
  readonly elements: readonly string[];
  /** Names of artifacts, and patterns of them. */
  readonly artifacts: readonly string[];
}

/** @throws BstError in domain "stream", reason `unrecognized-target-format`, for a word that can be neither */
export function classifyTargets(words: readonly string[]): Targets {
  const elements = words.filter((word) => word.endsWith(".bst"));
  const artifacts = words.filter((word) => !word.endsWith(".bst"));
  const wrong = artifacts.find((word) => !isPattern(word) && parseRef(word) === undefined);
  if (wrong !== undefined) {
    throw new BstError("stream", `This is neither the name of an element nor of an artifact: ${wrong}`, {
      reason: "unrecognized-target-format",
      detail: DETAIL,
    });
  }
  return { elements, artifacts };
}

/** @throws BstError in domain "stream", reason `invalid-element-names`, for words that are no names of elements */
export function requireElements(words: readonly string[]): void {
  const wrong = words.filter((word) => !word.endsWith(".bst"));
  if (wrong.length === 0) return;
  throw new BstError("stream", `These are no names of elements: ${wrong.join(", ")}`, {
    reason: "invalid-element-names",
    detail: DETAIL,
  });
}

/** The names, each once, and what the patterns among them match of all elements of the project. */
export function expandElements(words: readonly string[], all: () => readonly string[], messenger: Messenger): string[] {
  return expand(words, messenger, "element", (pattern) => glob(all(), pattern));
}

/** The names, each once, and what the patterns among them match of all artifacts in the cache. */
export function expandArtifacts(words: readonly string[], store: ArtifactStore, messenger: Messenger): string[] {
  return expand(words, messenger, "artifact", (pattern) => store.list(pattern));
}

function expand(
  words: readonly string[],
  messenger: Messenger,
  what: string,
  match: (pattern: string) => readonly string[],
): string[] {
  const names = new Set(words.filter((word) => !isPattern(word)));
  for (const pattern of new Set(words.filter(isPattern))) {
    const matched = match(pattern);
    if (matched.length === 0) messenger.emit({ type: "warn", text: `The pattern '${pattern}' matches no ${what}` });
    for (const name of matched) names.add(name);
  }
  return [...names];
}

function isPattern(word: string): boolean {
  return /[*?[]/.test(word);
}
