/** The rule on initial scripts: something must collect them for an image, and run them. */
import type { Element } from "../../project/element.ts";
import { some } from "../contents.ts";
import { contributors } from "../images.ts";
import { type Collector, collectedBy, collectorsOf, runnersOf } from "../initial-script-runs.ts";
import { placeOf } from "../place.ts";
import { allCalls } from "../scripts.ts";
import type { Rule } from "./finding.ts";

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
      const run = reach(makers.flatMap(({ maker, collectors }) => runBy(maker, collectors)));
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

/** By elements, those that collect from them. */
function reach(collectors: readonly Collector[]): Map<Element, Element[]> {
  const found = new Map<Element, Element[]>();
  for (const collector of new Set(collectors.map((each) => each.collector))) {
    for (const each of collectedBy(collector)) found.set(each, [...(found.get(each) ?? []), collector]);
  }
  return found;
}

function runBy(maker: Element, collectors: readonly Collector[]): Collector[] {
  if (collectors.length === 0) return [];
  const calls = allCalls(maker);
  return collectors.filter(({ folder }) => runnersOf(calls, folder).length > 0);
}
