/** What commands read and write, as far as their words tell. */
import type { Call } from "./shell.ts";

/** Whose last operand is what they write, unless an option names the folder. */
const COPIERS = new Map(
  Object.entries({
    cp: /^(?:-[A-Za-z]*t|--target-directory)$/,
    mv: /^(?:-[A-Za-z]*t|--target-directory)$/,
    ln: /^(?:-[A-Za-z]*t|--target-directory)$/,
    install: /^(?:-[A-Za-z]*t|--target-directory)$/,
    rsync: undefined,
  }),
);
const EXTRACTORS = new Map(Object.entries({ tar: /^(?:-C|--directory)$/, unzip: /^-d$/ }));
const WRITERS = new Set(["tee", "touch", "truncate"]);

/** Files and folders that a call writes to. */
export function writtenBy(call: Call): string[] {
  const { program, paths, outputs } = call;
  const target = targetOf(call);
  if (target !== undefined) return [...outputs, ...(paths[target] ?? [])];
  if (COPIERS.has(program)) return [...outputs, ...(paths[lastOf(call)] ?? [])];
  return WRITERS.has(program) ? [...outputs, ...paths.flat()] : [...outputs];
}

/** What a call copies, moves, links or packs. */
export function sourcesOf(call: Call): string[] {
  const { program, paths } = call;
  if (EXTRACTORS.has(program)) return paths.flat();
  if (!COPIERS.has(program)) return [];
  const target = targetOf(call) ?? lastOf(call);
  return paths.filter((_, i) => i !== target).flat();
}

/** Which operand is the folder that an option names. */
function targetOf({ program, operands }: Call): number | undefined {
  // A `tar` that packs only reads.
  if (program === "tar" && !operands.some((word) => /^-?[A-Za-z]*x|^--(?:extract|get)$/.test(word))) return undefined;
  const option = COPIERS.get(program) ?? EXTRACTORS.get(program);
  const at = operands.findIndex((word) => option?.test(word));
  if (at >= 0) return at + 1;
  const glued = operands.findIndex((word) => option !== undefined && /^--(?:target-)?directory=/.test(word));
  return glued < 0 ? undefined : glued;
}

/** The last operand that is no option. */
function lastOf({ operands }: Call): number {
  return operands.findLastIndex((word) => !word.startsWith("-"));
}
