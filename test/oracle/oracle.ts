/** The reference implementation, BuildStream 2.8.1, asked the same questions as bst-ts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type RunOptions, type RunResult, runCli } from "../helpers.ts";
import { installation } from "./python.ts";
import { runReference } from "./reference.ts";

const { BST_ORACLE } = process.env;

/** Why there is nothing to compare with; undefined where there is. */
export const absent: string | undefined = existsSync(join(installation, "venv/bin/bst"))
  ? undefined
  : `no reference installation: ${
      BST_ORACLE === undefined
        ? "set BST_ORACLE to the folder of one"
        : "BST_ORACLE names a folder without venv/bin/bst"
    } (CONTRIBUTING.md says how to make it)`;

if (absent !== undefined) console.warn(`skipped: ${absent}`);

/** What the two programs said, in the order `theirs`, `ours`. */
export interface Answers<T> {
  readonly theirs: T;
  readonly ours: T;
}

/**
 * Runs the same command with both, each with a user configuration of its own.
 * The projects that they read may be one folder, as neither command used here writes to it.
 */
export async function ask(
  args: readonly string[],
  options: Omit<RunOptions, "config"> & { readonly configs: Answers<string> },
): Promise<Answers<RunResult>> {
  const { configs, ...rest } = options;
  const [theirs, ours] = await Promise.all([
    runReference(args, { ...rest, config: configs.theirs }),
    runCli(args, { ...rest, config: configs.ours }),
  ]);
  return { theirs, ours };
}

const fields = [
  "kind",
  "description",
  "full-key",
  "workspaced",
  "vars",
  "env",
  "config",
  "public",
  "deps",
  "build-deps",
  "runtime-deps",
  "source-info",
  "state",
];

// Values span lines, and no value of our projects has a line that starts like these.
const elementMark = "=====";
const fieldMark = "-----";

/** Arguments of `show` that print every field of every element in a form that `parseShown` reads. */
export function showArguments(of: { readonly show?: readonly string[]; readonly build?: unknown } = {}): string[] {
  // Asking for the digest of what was not built is a warning for each element.
  const shown = of.build === undefined ? fields : [...fields, "artifact-cas-digest"];
  const format = [`${elementMark}%{name}`, ...shown.map((field) => `${fieldMark}${field}\n%{${field}}`)].join("\n");
  return ["show", ...(of.show ?? ["--deps", "all"]), "--format", format];
}

/** From each element's name to its fields, in the order of the output. */
export function parseShown(stdout: string): Map<string, Record<string, string>> {
  const elements = new Map<string, Record<string, string>>();
  for (const block of stdout.split(new RegExp(`^${elementMark}`, "m")).slice(1)) {
    const [head = "", ...parts] = block.split(new RegExp(`^${fieldMark}`, "m"));
    const fields = parts.map((part) => {
      const end = part.indexOf("\n");
      // The line break after a value is of the format; those before it are of the value.
      return [part.slice(0, end), part.slice(end + 1).replace(/\n$/, "")] as const;
    });
    elements.set(head.trimEnd(), Object.fromEntries(fields));
  }
  return elements;
}
