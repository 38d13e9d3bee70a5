/** Guesses a version from a URL, for `%{source-info}`. */
import type { ScalarNode } from "../yaml/node.ts";

const DEFAULT_PATTERN = /(\d+)\.(\d+)(?:\.(\d+))?/g;

/** A `version-guess-pattern`: a Python expression, of which JavaScript has all but the notation of named groups. */
export function versionPattern(node: ScalarNode): RegExp {
  try {
    return new RegExp(node.value.replaceAll("(?P<", "(?<"), "g");
  } catch (error) {
    throw node.error(`This is no valid regular expression: ${error instanceof Error ? error.message : error}`);
  }
}

/** The match with the most groups, its groups joined by dots; of a pattern without groups the first match. */
export function guessVersion(url: string, pattern: RegExp = DEFAULT_PATTERN): string | undefined {
  let best: { readonly version: string; readonly parts: number } | undefined;
  for (const [match, ...groups] of url.matchAll(pattern)) {
    const found = groups.filter((group) => group !== undefined);
    const version = groups.length === 0 ? match : found.join(".");
    const parts = groups.length === 0 ? 1 : found.length;
    if (best === undefined || parts > best.parts) best = { version, parts };
  }
  return best?.version;
}
