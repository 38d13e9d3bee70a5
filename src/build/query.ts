/** Looks up in the caches what there is of elements, before it is decided what to do. */
import { activity } from "../base/activity.ts";
import type { Element } from "../project/element.ts";
import type { Session } from "./session.ts";
import { restoreArtifacts } from "./storage.ts";

export async function queryCache(session: Session, elements: readonly Element[]): Promise<void> {
  const { events, states } = session;
  await restoreArtifacts(session, elements);
  activity(events, "Query cache", (tally) => {
    for (const element of elements) states.of(element);
    tally.processed = elements.length;
    tally.expected = elements.length;
  });
}
