/** Patterns of names: `*` any text, `?` one character, `[…]` and `[!…]` sets; `/` is a character like others. */

export function fnmatch(name: string, pattern: string): boolean {
  return new RegExp(`^${fnmatchPattern(pattern)}$`, "su").test(name);
}

/** The source of a regular expression (with flags `su`) for a pattern, without anchors. */
export function fnmatchPattern(pattern: string): string {
  return pattern.replace(/\*+|\?|\[(!?)(\]?[^\]]*)\]|[\\^$.+(){}[\]|/]/g, (found, not?: string, set?: string) => {
    if (found.startsWith("*")) return ".*";
    if (found === "?") return ".";
    return set === undefined ? `\\${found}` : setPattern(set, not === "!");
  });
}

function setPattern(set: string, isNegated: boolean): string {
  const source = `[${isNegated ? "^" : ""}${set.replace(/[\\[\]^]/g, "\\$&")}]`;
  try {
    new RegExp(source, "u");
    return source;
  } catch {
    // A range from a later character to an earlier one has none.
    return isNegated ? "." : "(?!)";
  }
}
