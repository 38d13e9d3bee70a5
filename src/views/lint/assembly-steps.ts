/** What scripts that assemble images do to the files of a layer before `build-oci`, as their calls tell it. */
import type { Element } from "../../project/element.ts";
import { installRoot } from "../images.ts";
import { allCalls } from "../scripts.ts";
import type { Call } from "../shell.ts";

const COPIERS = new Set(["mv", "cp", "rsync", "tar", "ln", "install"]);
const USR_ETC = /\/?usr\/etc\b/;
const REDIRECTION = /^\d*>>?/;

export interface Step {
  /** Whether it is the program of the step. */
  readonly is: (call: Call) => boolean;
  /** Whether the call names the folder that is meant; without it, it would be about the sandbox. */
  readonly aims: (call: Call) => boolean;
  /** Whether integration commands can have done it. */
  readonly integrates: boolean;
}

const always = () => true;

/** Takes something out of /usr/etc, and maybe leaves it there as well. */
export const MERGE: Step = {
  is: ({ program, words }) =>
    (COPIERS.has(program) && words.slice(0, -1).some((word) => USR_ETC.test(word))) || removes(program, words),
  aims: always,
  integrates: false,
};
/** After it, there is no /usr/etc. */
export const REMOVE: Step = {
  is: ({ program, words }) =>
    removes(program, words) ||
    (words.slice(0, -1).some((word) => USR_ETC.test(word)) &&
      (program === "mv" || words.some((word) => word.startsWith("--remove-")))),
  aims: always,
  integrates: false,
};
export const DCONF: Step = {
  is: ({ program, words }) => program === "dconf" && (words[0] === "update" || words[0] === "compile"),
  aims: ({ words, root }) => root !== undefined || words.length > 1,
  integrates: true,
};
export const LDCONFIG: Step = {
  is: ({ program }) => program === "ldconfig",
  aims: ({ words, root }) => root !== undefined || words.some((word) => /^-[A-Za-z]*r/.test(word)),
  integrates: true,
};
export const BUILD: Step = { is: ({ program }) => program === "build-oci", aims: always, integrates: false };

function removes(program: string, words: readonly string[]): boolean {
  return program === "rm" && words.some((word) => USR_ETC.test(word));
}

/** Whether a call does the step for files of a layer. */
export function does(step: Step, call: Call): boolean {
  return step.is(call) && step.aims(call);
}

/** Whether a script on the way to a layer does it for what it keeps. */
export function makesWith(step: Step, element: Element): boolean {
  if (element.kind !== "script") return false;
  const keepsSandbox = installRoot(element) === "/";
  return allCalls(element).some((call) => step.is(call) && (keepsSandbox || step.aims(call)));
}

/** What a call writes to, as far as words tell: of copies the last one, and where its output goes. */
export function writtenPaths({ program, words }: Call): string[] {
  const outputs = words.flatMap((word, i) => {
    if (!REDIRECTION.test(word)) return [];
    const glued = word.replace(REDIRECTION, "");
    return [glued === "" ? (words[i + 1] ?? "") : glued];
  });
  const last = words.at(-1);
  return COPIERS.has(program) && last !== undefined ? [...outputs, last] : outputs;
}
