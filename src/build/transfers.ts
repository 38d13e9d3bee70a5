/** Jobs that pull artifacts, and push artifacts and sources. */
import type { ArtifactRecord } from "../artifact/record.ts";
import { BstError } from "../base/errors.ts";
import { keyOf } from "../base/json.ts";
import type { JobMessenger } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import { buildTreesOf, pullArtifact, pushArtifact } from "../remote/artifacts.ts";
import type { Servers } from "../remote/remote-cache.ts";
import { pushElementSources, pushSource } from "../remote/sources.ts";
import type { TransferTools } from "../remote/transfers.ts";
import { type JobSubject, jobSubject, runJob, SkipJob } from "./jobs.ts";
import type { Task } from "./scheduler.ts";
import type { Session } from "./session.ts";
import { standsAlone } from "./source-io.ts";
import { isExact } from "./states.ts";
import { keepArtifact } from "./storage.ts";

/** What of a session transfers need: artifacts can be named without a project. */
export type TransferSession = Pick<Session, "config" | "caches" | "events" | "remotes">;

/** An artifact to be pulled. */
export interface PullSubject extends JobSubject {
  /** Those to ask for, in this order. */
  keys(): readonly string[];
  /** Takes what was pulled. @returns whether it counts */
  take(record: ArtifactRecord): boolean;
}

/** An artifact to be pushed. */
export interface PushSubject extends JobSubject {
  /** Undefined where it is not in the cache. */
  record(): ArtifactRecord | undefined;
}

export function transferTools(
  { config, caches }: TransferSession,
  servers: Servers,
  { name, key }: JobSubject,
  messenger: JobMessenger,
  signal: AbortSignal,
): TransferTools {
  const { keyLength } = config.logging;
  return { cas: caches.cas, servers, messenger, signal, about: { element: name, key: key() }, keyLength };
}

/** Whether a server is to be asked for an element's artifact, or for what of it is not here. */
export function isPullPending(session: Session, element: Element): boolean {
  const { states, remotes, config, strict } = session;
  if (remotes?.artifacts.forPulling(element.projectName) === undefined || element.workspace !== undefined) return false;
  const [preferred] = states.keysOf(element);
  if (preferred === undefined || states.isDiscarded(element)) return false;
  const { artifact } = states.of(element);
  if (artifact === undefined) return true;
  if (config.cache.pullBuildtrees && !hasBuildTrees(session, artifact)) return true;
  // It may be there as it would be built now.
  return !strict && !isExact(element) && artifact.strongKey !== preferred;
}

export function elementPull({ states }: Session, element: Element): PullSubject {
  return {
    ...jobSubject(element, states),
    keys: () => states.keysOf(element),
    take: (record) => states.take(element, record),
  };
}

export function elementPush({ states }: Session, element: Element): PushSubject {
  return { ...jobSubject(element, states), record: () => states.of(element).artifact };
}

/** A job that pulls; it is skipped where no server has the artifact. */
export function pullTask(session: TransferSession, subject: PullSubject): Task {
  const { events, config, caches } = session;
  const { project, normalName } = subject;
  return {
    queue: "fetch",
    needs: [],
    run: (signal) =>
      runJob({ action: "pull", subject, events, retries: config.scheduler.networkRetries }, signal, async (job) => {
        const servers = session.remotes?.artifacts.forPulling(project);
        if (servers === undefined) throw new SkipJob("Pull");
        const tools = { ...transferTools(session, servers, subject, job, signal), store: caches.artifacts };
        // Build trees of workspaces are never pulled: there are none.
        const buildTrees = config.cache.pullBuildtrees && subject.element?.workspace === undefined;
        for (const key of subject.keys()) {
          const record = await pullArtifact(tools, { project, normalName, key }, { buildTrees });
          if (record === undefined || !subject.take(record)) continue;
          await keepArtifact(session, record, signal);
          return;
        }
        throw new SkipJob("Pull");
      }),
  };
}

/** A job that pushes; it is skipped where all servers have the artifact. */
export function pushTask(session: TransferSession, subject: PushSubject): Task {
  const { events, config, caches } = session;
  return {
    queue: "push",
    needs: [],
    run: (signal) =>
      runJob({ action: "push", subject, events, retries: config.scheduler.networkRetries }, signal, async (job) => {
        const servers = session.remotes?.artifacts.forPushing(subject.project);
        if (servers === undefined) throw new SkipJob("Push");
        const record = subject.record();
        if (record === undefined) throw new BstError("element", `Push failed: ${subject.name} is not cached`);
        if (!hasBuildTrees(session, record)) {
          throw new BstError("element", `Push failed: the build tree of ${subject.name} is not cached`, {
            detail: "With --pull-buildtrees it is pulled first.",
          });
        }
        if (record.wasWorkspaced || record.buildDeps.some(({ wasWorkspaced }) => wasWorkspaced)) {
          job.emit({ type: "warn", text: "Not pushed: it was built from a workspace", element: subject.name });
          throw new SkipJob("Push");
        }
        const tools = { ...transferTools(session, servers, subject, job, signal), store: caches.artifacts };
        if (!(await pushArtifact(tools, subject, record))) throw new SkipJob("Push");
      }),
  };
}

/** Whether an element's artifact can be pushed, as far as that can be told without asking. */
export function isPushable(session: Session, element: Element): boolean {
  const { artifact } = session.states.of(element);
  const servers = session.remotes?.artifacts.forPushing(element.projectName);
  return servers !== undefined && artifact !== undefined && hasBuildTrees(session, artifact);
}

/** Whether what the build left is here, as far as the artifact has it. */
export function hasBuildTrees({ caches }: TransferSession, record: ArtifactRecord): boolean {
  return buildTreesOf(record).every((tree) => caches.cas.hasTree(tree));
}

/** Whether an element's sources can be pushed. */
export function areSourcesPushable({ states, remotes }: Session, element: Element): boolean {
  if (element.sources.length === 0 || element.workspace !== undefined) return false;
  if (remotes?.sources.forPushing(element.projectName) === undefined) return false;
  return states.stagedSources(element) !== undefined;
}

/** A job that pushes sources; it is skipped where all servers have them. */
export function sourcePushTask(session: Session, element: Element): Task {
  const { events, config, states } = session;
  const subject = jobSubject(element, states);
  return {
    queue: "push",
    needs: [],
    run: (signal) =>
      runJob({ action: "src-push", subject, events, retries: config.scheduler.networkRetries }, signal, async (job) => {
        const servers = session.remotes?.sources.forPushing(element.projectName);
        if (servers === undefined || !areSourcesPushable(session, element)) throw new SkipJob("Src-push");
        const tools = transferTools(session, servers, subject, job, signal);
        if (!(await pushSources(session, element, tools))) throw new SkipJob("Src-push");
      }),
  };
}

async function pushSources({ caches, states }: Session, element: Element, tools: TransferTools): Promise<boolean> {
  let isPushed = false;
  for (const each of element.sources) {
    if (!standsAlone(each)) continue;
    const { kind } = each.definition;
    const key = keyOf(each.source.uniqueKey());
    const tree = caches.sources.findSource(kind, key);
    if (tree !== undefined && (await pushSource(tools, kind, key, tree))) isPushed = true;
  }
  const tree = states.stagedSources(element);
  if (tree !== undefined && (await pushElementSources(tools, states.sourcesKey(element), tree))) isPushed = true;
  return isPushed;
}
