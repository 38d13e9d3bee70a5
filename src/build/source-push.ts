/** Sends the sources of elements to servers, after fetching what is missing of them. */
import { BstError } from "../base/errors.ts";
import type { Element } from "../project/element.ts";
import { assertResolved } from "./consistency.ts";
import { fetchTask } from "./fetch.ts";
import { runPipeline } from "./pipeline.ts";
import { queryCache } from "./query.ts";
import type { Task } from "./scheduler.ts";
import type { Session } from "./session.ts";
import { areSourcesPushable, sourcePushTask } from "./transfers.ts";

/** @throws BstError domain stream, where there is no server to push to, or a job failed */
export async function pushSources(
  session: Session,
  targets: readonly Element[],
  elements: readonly Element[],
): Promise<void> {
  const { events, remotes } = session;
  await queryCache(session, elements);
  if (!remotes?.sources.canPush) throw new BstError("stream", "There is no server that sources could be pushed to");
  assertResolved(elements, session.graph.keys);
  const notNeeded = (element: Element, action: string) =>
    events.emit({ type: "job-not-needed", action, element: element.fullName });
  await runPipeline(session, { queues: ["fetch", "src-push"], targets, elements }, () =>
    elements.flatMap((element): Task[] => {
      const push = () => {
        if (areSourcesPushable(session, element)) return [sourcePushTask(session, element)];
        notNeeded(element, "src-push");
        return [];
      };
      const fetch = fetchTask(session, element);
      if (fetch !== undefined) return [{ ...fetch, further: () => ({ instead: [], others: push() }) }];
      notNeeded(element, "fetch");
      return push();
    }),
  );
}
