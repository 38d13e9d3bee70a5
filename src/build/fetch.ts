/** Fetches the sources of elements into the cache. */
import type { Element } from "../project/element.ts";
import { assertResolved } from "./consistency.ts";
import { runJob } from "./jobs.ts";
import { runPipeline } from "./pipeline.ts";
import { queryCache } from "./query.ts";
import type { Task } from "./scheduler.ts";
import type { Session } from "./session.ts";
import { areOriginalsCached, fetchOriginals, stageSources } from "./source-io.ts";

export interface FetchOptions {
  /** Whether the sources themselves are wanted, as their kinds keep them, and not only what is staged of them. */
  readonly originals?: boolean;
  /** Whether what will be fetched is told first; default true. */
  readonly announce?: boolean;
}

/** @throws BstError domain stream, where a job failed; domain pipeline, where a ref is missing */
export async function fetchElements(
  session: Session,
  targets: readonly Element[],
  elements: readonly Element[],
  options: FetchOptions = {},
): Promise<void> {
  assertResolved(elements);
  queryCache(session, elements);
  await runPipeline(session, { queues: ["fetch"], targets, elements, announce: options.announce ?? true }, () => {
    const tasks: Task[] = [];
    for (const element of elements) {
      const task = fetchTask(session, element, options);
      if (task !== undefined) tasks.push(task);
      else session.events.emit({ type: "job-not-needed", action: "fetch", element: element.fullName });
    }
    return tasks;
  });
}

/** A job that gets an element's staged sources into the cache; none where they are there. */
export function fetchTask(
  session: Session,
  element: Element,
  { originals = false }: FetchOptions = {},
): Task | undefined {
  const { states, events, caches, config } = session;
  if (isFetched(session, element) && !(originals && !areOriginalsCached(element))) return undefined;
  return {
    queue: "fetch",
    needs: [],
    run: (signal) =>
      runJob(
        { action: "fetch", element, events, states, retries: config.scheduler.networkRetries },
        signal,
        async (job) => {
          const tools = { cas: caches.cas, messenger: job, signal };
          await fetchOriginals(element, tools);
          if (isFetched(session, element)) return;
          caches.sources.put(states.sourcesKey(element), await stageSources(element, tools));
        },
      ),
  };
}

/** Whether an element's staged sources are in the cache; those of an element without sources always are. */
export function isFetched({ states }: Session, element: Element): boolean {
  return states.stagedSources(element) !== undefined;
}
