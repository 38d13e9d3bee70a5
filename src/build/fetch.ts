/** Fetches the sources of elements into the cache, from servers of sources or from where they come from. */
import { keyOf } from "../base/json.ts";
import type { JobMessenger } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import { pullElementSources, pullSource } from "../remote/sources.ts";
import { assertResolved } from "./consistency.ts";
import { jobSubject, runJob } from "./jobs.ts";
import { runPipeline } from "./pipeline.ts";
import { queryCache } from "./query.ts";
import type { Task } from "./scheduler.ts";
import type { Session } from "./session.ts";
import {
  areOriginalsCached,
  fetchOriginals,
  type SourceTools,
  type StagedSources,
  sourceIo,
  stageSources,
} from "./source-io.ts";
import { keepSources, restoreSources } from "./storage.ts";
import { transferTools } from "./transfers.ts";

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
  assertResolved(elements, session.graph.keys);
  await queryCache(session, elements);
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
  const { states, events, config } = session;
  if (isFetched(session, element) && !(originals && !areOriginalsCached(element))) return undefined;
  const options = {
    action: "fetch",
    subject: jobSubject(element, states),
    events,
    retries: config.scheduler.networkRetries,
  };
  return {
    queue: "fetch",
    needs: [],
    run: (signal) => runJob(options, signal, (job) => fetchElement(session, element, originals, job, signal)),
  };
}

async function fetchElement(
  session: Session,
  element: Element,
  originals: boolean,
  messenger: JobMessenger,
  signal: AbortSignal,
): Promise<void> {
  const { states, caches } = session;
  const tools: SourceTools = { cas: caches.cas, messenger, signal };
  if (originals) await fetchOriginals(element, tools);
  await restoreSources(session, element, signal);
  if (isFetched(session, element)) return;
  const key = states.sourcesKey(element);
  // What is at hand needs no server.
  const isAtHand = element.sources.every((each) => each.source.isCached(sourceIo(element, each, tools)));
  const servers = isAtHand ? undefined : session.remotes?.sources.forPulling(element.projectName);
  const transfer = servers && transferTools(session, servers, jobSubject(element, states), messenger, signal);
  const pulled = transfer && (await pullElementSources(transfer, key));
  if (pulled !== undefined) {
    caches.sources.put(key, pulled);
    await keepSources(session, pulled, signal);
    return;
  }
  const staged = stagedSources(session);
  const cached = transfer === undefined ? staged : { ...staged, pull: pullFrom(transfer) };
  await fetchOriginals(element, { ...tools, staged: cached });
  const tree = await stageSources(element, { ...tools, staged });
  caches.sources.put(key, tree);
  await keepSources(session, tree, signal);
}

/** The cache of single sources. */
function stagedSources({ caches: { sources } }: Session): StagedSources {
  return {
    find: ({ source, definition }) => sources.findSource(definition.kind, keyOf(source.uniqueKey())),
    put: ({ source, definition }, tree) => sources.putSource(definition.kind, keyOf(source.uniqueKey()), tree),
    pull: async () => undefined,
  };
}

function pullFrom(transfer: Parameters<typeof pullSource>[0]): StagedSources["pull"] {
  return ({ source, definition }) => pullSource(transfer, definition.kind, keyOf(source.uniqueKey()));
}

/** Whether an element's staged sources are in the cache; those of an element without sources always are. */
export function isFetched({ states }: Session, element: Element): boolean {
  return states.stagedSources(element) !== undefined;
}
