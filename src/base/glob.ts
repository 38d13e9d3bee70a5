/** Patterns of paths: `*` and `?` stay within a component, `**` does not, `[…]` and `[!…]` are sets of characters. */
import { LoadError } from "./errors.ts";

const SYNTAX = /[\\^$.*+?()[\]{}|/]/g;

/**
 * The source of a regular expression (with flag `u`) for a pattern, without anchors.
 * @throws LoadError invalid-data for a set with an empty range, such as `[z-a]`
 */
export function globPattern(glob: string): string {
  const characters = [...glob];
  let source = "";
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "*") {
      const isDouble = characters[i + 1] === "*";
      if (isDouble) i++;
      source += isDouble ? "[^]*" : "[^/]*";
    } else if (character === "?") source += "[^/]";
    else {
      const end = character === "[" ? setEnd(characters, i + 1) : -1;
      source += end < 0 ? character.replace(SYNTAX, "\\$&") : setPattern(characters.slice(i + 1, end), glob);
      if (end > 0) i = end;
    }
  }
  return source;
}

/** The place of the `]` that closes a set, -1 where there is none. As the first of a set it is a character like others. */
function setEnd(characters: readonly string[], start: number): number {
  const first = characters[start] === "!" ? start + 1 : start;
  return characters.indexOf("]", characters[first] === "]" ? first + 1 : first);
}

function setPattern(characters: readonly string[], glob: string): string {
  const isNegated = characters[0] === "!";
  const escaped = (character: string) => character.replace(/[\\\]^[-]/, "\\$&");
  let source = isNegated ? "[^" : "[";
  for (let i = isNegated ? 1 : 0; i < characters.length; i++) {
    const low = characters[i] ?? "";
    source += escaped(low);
    const high = characters[i + 2];
    if (characters[i + 1] !== "-" || high === undefined) continue;
    if ((low.codePointAt(0) ?? 0) > (high.codePointAt(0) ?? 0)) {
      throw new LoadError("invalid-data", `The pattern '${glob}' has the empty range '${low}-${high}'`);
    }
    source += `-${escaped(high)}`;
    i += 2;
  }
  return `${source}]`;
}

/** Those of the paths that a pattern matches as a whole, both taken from the root where they do not begin there. */
export function glob(paths: readonly string[], pattern: string): string[] {
  const expression = new RegExp(`^${globPattern(fromRoot(pattern))}$`, "u");
  return paths.filter((path) => expression.test(fromRoot(path)));
}

function fromRoot(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
