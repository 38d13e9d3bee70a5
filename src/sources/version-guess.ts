/** Guesses a version from a URL or tag, for `%{source-info}`. */
import { type JsonSchema, text } from "../base/schema.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";

const DEFAULT_PATTERN = /(\d+)\.(\d+)(?:\.(\d+))?/g;

/** Schemas of the keys that a {@link VersionGuesser} reads. */
export const versionProperties: { readonly [key: string]: JsonSchema } = {
  version: text,
  "version-guess-pattern": text,
};

export class VersionGuesser {
  readonly #version: string | undefined;
  readonly #patternText: string | undefined;
  readonly #pattern: RegExp | undefined;

  constructor(config: MappingNode) {
    this.#version = config.string("version");
    const pattern = config.scalar("version-guess-pattern");
    this.#patternText = pattern?.value;
    this.#pattern = pattern === undefined ? undefined : versionPattern(pattern);
  }

  /** BuildStream's keys have what the guess depends on. */
  uniqueKey(): string[] {
    const text = this.#version ?? this.#patternText;
    return text === undefined ? [] : [text];
  }

  /** The part of a source's info that says which version it may be. */
  guess(text: string | undefined): { readonly versionGuess?: string } {
    const versionGuess = this.#version ?? (text === undefined ? undefined : guessVersion(text, this.#pattern));
    return versionGuess === undefined ? {} : { versionGuess };
  }
}

/** A `version-guess-pattern`: a Python expression, of which JavaScript has all but the notation of named groups. */
function versionPattern(node: ScalarNode): RegExp {
  try {
    return new RegExp(node.value.replaceAll("(?P<", "(?<"), "g");
  } catch (error) {
    throw node.error(`This is no valid regular expression: ${error instanceof Error ? error.message : error}`);
  }
}

/** The match with the most groups, its groups joined by dots; of a pattern without groups the first match. */
function guessVersion(url: string, pattern: RegExp = DEFAULT_PATTERN): string | undefined {
  let best: { readonly version: string; readonly parts: number } | undefined;
  for (const [match, ...groups] of url.matchAll(pattern)) {
    const found = groups.filter((group) => group !== undefined);
    const version = groups.length === 0 ? match : found.join(".");
    const parts = groups.length === 0 ? 1 : found.length;
    if (best === undefined || parts > best.parts) best = { version, parts };
  }
  return best?.version;
}
