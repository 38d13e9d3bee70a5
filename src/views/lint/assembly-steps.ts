/** What scripts that assemble images do to the files of a layer before `build-oci`, as their calls tell it. */
import type { Element } from "../../project/element.ts";
import { installRoot, locatedDependencies } from "../images.ts";
import { allCalls } from "../scripts.ts";
import type { Call } from "../shell.ts";
import { ANYTHING } from "../shell-scope.ts";
import { sourcesOf } from "../written-paths.ts";

const COPIERS = new Set(["mv", "cp", "rsync", "tar", "ln", "install"]);
const REMOVERS = new Set(["rm", "rmdir"]);
const USR_ETC = /(?:^|\/)usr\/etc(?=$|\/)/;
/** The folder, or all that is in it. */
const ALL_OF_USR_ETC = /(?:^|\/)usr\/etc(?:\/\*+)?$/;

export interface Step {
  /** Whether it is the program of the step. */
  readonly is: (call: Call) => boolean;
  /** The paths that say which folder is meant; without any, it is the sandbox. */
  readonly aims: (call: Call) => readonly string[];
  /** Whether integration commands can have done it. */
  readonly integrates: boolean;
}

const usrEtc = (paths: readonly string[]) => paths.filter((path) => USR_ETC.test(path));

/** Takes something out of /usr/etc, and maybe leaves it there as well. */
export const MERGE: Step = {
  is: ({ program }) => COPIERS.has(program) || REMOVERS.has(program),
  aims: (call) => usrEtc(COPIERS.has(call.program) ? sourcesOf(call) : call.paths.flat()),
  integrates: false,
};
/** After it, there is no /usr/etc. */
export const REMOVE: Step = {
  is: (call) => removed(call).length > 0,
  aims: removed,
  integrates: false,
};
export const DCONF: Step = {
  is: ({ program, words }) => program === "dconf" && (words[0] === "update" || words[0] === "compile"),
  aims: ({ paths, root }) => [...(root === undefined ? [] : [root]), ...paths.slice(1).flat()],
  integrates: true,
};
export const LDCONFIG: Step = {
  is: ({ program, words }) => program === "ldconfig" && !words.some((word) => /^-[A-Za-z]*[pNV]|^--print/.test(word)),
  aims: ({ operands, paths, root }) => [
    ...(root === undefined ? [] : [root]),
    ...operands.flatMap((word, i) => {
      if (!/^-[A-Za-z]*[rC]/.test(word)) return [];
      const glued = paths[i] ?? [];
      return glued.length > 0 ? glued : (paths[i + 1] ?? []);
    }),
  ],
  integrates: true,
};
export const BUILD: Step = { is: ({ program }) => program === "build-oci", aims: () => [], integrates: false };

/** The whole of /usr/etc, where a call takes it away. */
function removed(call: Call): string[] {
  const { program, words, paths } = call;
  const gone = REMOVERS.has(program)
    ? paths.flat()
    : program === "mv" || words.some((word) => word.startsWith("--remove-"))
      ? sourcesOf(call)
      : [];
  return gone.filter((path) => ALL_OF_USR_ETC.test(path));
}

/** Whether a call does the step for files of a layer. @param folders where this is */
export function does(step: Step, call: Call, folders: readonly string[]): boolean {
  return step.is(call) && (step === BUILD || step.aims(call).some((path) => isWithin(path, folders)));
}

/** Whether a path is one of the folders or in it; of what only the shell knows, it may. */
export function isWithin(path: string, folders: readonly string[]): boolean {
  if (path.startsWith(ANYTHING)) return true;
  return folders.some(
    (folder) => folder.includes("$") || folder === "/" || path === folder || path.startsWith(`${folder}/`),
  );
}

/** Whether a script on the way to a layer does it for what it keeps. */
export function makesWith(step: Step, element: Element): boolean {
  if (element.kind !== "script") return false;
  const root = installRoot(element);
  const folders = [root, ...locatedDependencies(element).map(({ location }) => location)];
  return allCalls(element).some((call) => (root === "/" && step.is(call)) || does(step, call, folders));
}
