/** Patterns of paths, as the format has them. */

/** `*` and `?` stop at slashes, `**` does not; `[…]` and `[!…]` are sets of characters. */
export function globToRegExp(pattern: string): RegExp {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const source = (pattern.startsWith("/") ? pattern : `/${pattern}`).replace(
    /\*\*|\*|\?|\[(!?\]?[^\]]*)\]|[^*?[]+|\[/g,
    (part, set: string | undefined) => {
      if (set !== undefined) {
        const escaped = set.replace(/[\\\]^[]/g, "\\$&");
        return escaped.startsWith("!") ? `[^${escaped.slice(1)}]` : `[${escaped}]`;
      }
      return part === "**" ? ".*" : part === "*" ? "[^/]*" : part === "?" ? "[^/]" : literal(part);
    },
  );
  return new RegExp(`^${source}$`, "s");
}
