/** Which commands of an element can have made or removed a path. */
import { globPattern } from "../../base/glob.ts";
import type { PlacedCall } from "../scripts.ts";

const REMOVERS = new Set(["rm", "rmdir", "unlink", "mv", "find", "truncate"]);
const MAKERS = new Set(["cp", "mv", "install", "ln", "rsync", "tar", "touch", "tee", "mkdir", "cat", "echo", "sed"]);

/** Words that name a file or a folder above it, at any of these locations. */
function names(word: string, path: string, locations: readonly string[]): boolean {
  const cleaned = word.replace(/^>+/, "").replace(/\/\.?$/, "");
  // A variable alone can be anything, and tells nothing.
  if (/^\$(?:\{[^}]*\}|\w+)$/.test(cleaned)) return false;
  return locations.some((location) => {
    const absolute = `${location === "/" ? "" : location}/${path}`;
    let pattern: RegExp;
    try {
      // Variables stand for anything.
      pattern = new RegExp(`^(?:${globPattern(cleaned.replace(/\$(?:\{[^}]*\}|\w+)/g, "**"))})$`, "u");
    } catch {
      return false;
    }
    for (let end = absolute.length; end > location.length; end = absolute.lastIndexOf("/", end - 1)) {
      if (pattern.test(absolute.slice(0, end))) return true;
    }
    return false;
  });
}

export function removing(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
): PlacedCall | undefined {
  return calls.findLast(
    ({ program, words }) => REMOVERS.has(program) && words.some((word) => names(word, path, locations)),
  );
}

export function making(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
): PlacedCall | undefined {
  const mentioned = (call: PlacedCall) => call.words.some((word) => names(word, path, locations));
  return calls.findLast((call) => MAKERS.has(call.program) && mentioned(call)) ?? calls.findLast(mentioned);
}

/** The call as it stands in the script, shortened. */
export function textOf({ program, words }: PlacedCall): string {
  const text = [program, ...words].join(" ").replaceAll("\n", " ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
