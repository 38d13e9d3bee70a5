/** The rule on initial scripts: something must collect them for an image, and run them. */
import { dependencies } from "../../graph/scopes.ts";
import type { Element } from "../../project/element.ts";
import { some } from "../contents.ts";
import { contributors, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import { allCalls, commandTexts } from "../scripts.ts";
import type { Rule } from "./finding.ts";

/** The tool of Freedesktop SDK knows by itself where they usually are. */
const RUNNER = /^prepare-image\b/;

export const initialScriptsNotRun: Rule = {
  id: "initial-scripts-not-run",
  summary: "Elements of an image have initial scripts, and nothing collects them for it, or nothing runs them",
  *check(context) {
    for (const image of context.images) {
      // A filter takes some of the files, and not the script that was written for all of them.
      const parts = contributors(image, ({ kind }) => kind !== "filter");
      const scripted = [...parts].filter((part) => context.elements.includes(part) && scriptOf(part) !== undefined);
      if (scripted.length === 0) continue;
      const makers = [image.element, ...parts].map((maker) => ({ maker, collectors: collectorsOf(maker) }));
      const collected = reach(makers.flatMap(({ collectors }) => collectors));
      const run = reach(makers.flatMap(({ maker, collectors }) => collectors.filter((each) => runs(maker, each))));
      for (const part of scripted) {
        const script = scriptOf(part);
        if (script === undefined || run.has(part)) continue;
        const collectors = collected.get(part);
        yield {
          rule: this.id,
          severity: "warning",
          element: part,
          place: placeOf(script),
          message:
            collectors === undefined
              ? `Nothing runs its initial-script for ${image.element.fullName}`
              : `${some(collectors.map(({ fullName }) => fullName))} has its initial-script, and nothing runs it for ${image.element.fullName}`,
          advice:
            "Let the script that makes the layer depend on a collect_initial_scripts element of all that is in it, and run what that has",
        };
      }
    }
  },
};

function scriptOf(element: Element) {
  return element.publicData.mapping("initial-script")?.scalar("script");
}

function collectorsOf(maker: Element): Element[] {
  return staged(maker.buildDependencies).filter(({ kind }) => kind === "collect_initial_scripts");
}

/** By elements, those that collect from them. */
function reach(collectors: readonly Element[]): Map<Element, Element[]> {
  const found = new Map<Element, Element[]>();
  for (const collector of new Set(collectors)) {
    for (const each of dependencies(collector, "build")) found.set(each, [...(found.get(each) ?? []), collector]);
  }
  return found;
}

/** Whether commands name the folder that a collector fills, or call what looks there by itself. */
function runs(maker: Element, collector: Element): boolean {
  const path = (collector.config.string("path") ?? "/").replace(/\/+$/, "");
  return (
    commandTexts(maker).some((text) => text.includes(path)) ||
    allCalls(maker).some(({ program }) => RUNNER.test(program))
  );
}
