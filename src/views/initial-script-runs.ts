/** Which initial scripts are collected for a script, and which of its commands run them. */
import { dependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";
import { directly, staged } from "./images.ts";
import type { Call } from "./shell.ts";
import { ANYTHING } from "./shell-scope.ts";

export interface Collector {
  readonly collector: Element;
  /** Where a script has what it collected. */
  readonly folder: string;
}

/** The tool of Freedesktop SDK knows by itself where they usually are. */
const RUNNER = /^prepare-image\b/;
const SHELLS = /^(?:ba|da)?sh$|^(?:\.|source)$/;
/** Programs that run no script they are told of. */
const BYSTANDERS = new Set(
  "[ basename cat cd chgrp chmod chown cp dirname echo export find grep head install ln local ls mkdir mv printf pushd read readlink rm rmdir sed set sort stat tail tar test touch wc".split(
    " ",
  ),
);

/** Elements that collect initial scripts, and are staged with what an element is built with. */
export function collectorsOf(maker: Element): Collector[] {
  return directly(maker).flatMap(({ element, configs }) => {
    const locations = configs.map((config) => maker.variables.expand(config).string("location") ?? "/");
    return staged([element])
      .filter(({ kind }) => kind === "collect_initial_scripts")
      .flatMap((collector) =>
        (locations.length > 0 ? locations : ["/"]).map((location) => {
          const path = `${location}/${collector.config.string("path") ?? "/"}`;
          return { collector, folder: `/${path.split("/").filter(Boolean).join("/")}` };
        }),
      );
  });
}

/** The elements whose initial scripts it has, in the order in which they are numbered. */
export function collectedBy(collector: Element): readonly Element[] {
  return dependencies(collector, "build");
}

/** Those of the calls that run what is in a folder, or hand it to a program that may. */
export function runnersOf<T extends Call>(calls: readonly T[], folder: string): T[] {
  const isThere = (path: string) => path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
  let isKnown = false;
  return calls.filter(({ program, command, paths, piped }) => {
    const told = paths.flat();
    isKnown ||= told.some(isThere);
    if (RUNNER.test(program)) return true;
    const isShell = SHELLS.test(program);
    // What only the shell knows can be what a command before it has found there.
    const isRun = (path: string) => (path === ANYTHING ? isKnown : path !== folder && isThere(path));
    if (command.some(isRun) || (isShell && [...told, ...piped].some(isRun))) return true;
    return !BYSTANDERS.has(program) && told.some(isThere);
  });
}
