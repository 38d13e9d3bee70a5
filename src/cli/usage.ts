/** What is wrong with a command line, and what was likely meant. */

export class UsageError extends Error {
  /** Words of the command that was found so far. */
  readonly path: readonly string[];

  constructor(message: string, path: readonly string[] = []) {
    super(message);
    this.name = "UsageError";
    this.path = path;
  }
}

/** ` Did you mean 'x'?` with those of the names that are like the given one, or nothing. */
export function suggestion(given: string, names: Iterable<string>): string {
  // Names of one character are all alike.
  const close = (given.replace(/^-+/, "").length > 1 ? [...names] : [])
    .map((name) => [distance(given, name), name] as const)
    .filter(([edits, name]) => edits <= Math.max(1, Math.min(given.length, name.length) / 3) || isPrefix(given, name))
    .sort(([a], [b]) => a - b)
    .slice(0, 3)
    .map(([, name]) => `'${name}'`);
  return close.length === 0 ? "" : ` Did you mean ${close.join(" or ")}?`;
}

function isPrefix(given: string, name: string): boolean {
  return name.startsWith(given);
}

/** How many characters to insert, delete or replace to make one text of the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
