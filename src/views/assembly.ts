/** All that is done to an image's files by the script that assembles it, in order. */
import type { Element } from "../project/element.ts";
import { collectedBy, collectorsOf, runnersOf } from "./initial-script-runs.ts";
import { initialScriptCalls, type PlacedCall } from "./scripts.ts";

/**
 * Calls of a script, and behind each that runs initial scripts, theirs.
 * @param folders where the files are that these are for
 */
export function assemblyCalls(
  element: Element,
  calls: readonly PlacedCall[],
  folders: readonly string[],
): PlacedCall[] {
  const collectors = calls.length === 0 ? [] : collectorsOf(element);
  if (collectors.length === 0) return [...calls];
  const pending = collectors.map(({ collector, folder }) => ({
    parts: collectedBy(collector),
    runners: new Set<PlacedCall>(runnersOf(calls, folder)),
  }));
  const seen = new Set<Element>();
  const all = calls.flatMap((call) => {
    const run = pending.filter(({ runners }) => runners.has(call)).flatMap(({ parts }) => parts);
    const fresh = run.filter((each) => !seen.has(each));
    for (const each of fresh) seen.add(each);
    return [call, ...fresh.flatMap((each) => initialScriptCalls(each.publicData, folders))];
  });
  return all.map((call, order) => ({ ...call, order }));
}
