/** Builds targets: plans, fetches what is needed for that, and builds, each element as soon as it can be. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readPublicMetadata } from "../artifact/metadata.ts";
import { BstError } from "../base/errors.ts";
import type { JobMessenger } from "../base/messages.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../cas/directory.ts";
import type { Element } from "../project/element.ts";
import { detectSandbox, type SandboxHost } from "../sandbox/sandbox.ts";
import { assemble } from "./assemble.ts";
import type { BuildTools } from "./build-tools.ts";
import { assertResolved } from "./consistency.ts";
import { fetchTask } from "./fetch.ts";
import { runJob } from "./jobs.ts";
import { runPipeline } from "./pipeline.ts";
import { planBuild } from "./plan.ts";
import { queryCache } from "./query.ts";
import type { Task } from "./scheduler.ts";
import { deepestFirst, type Selection, select } from "./selection.ts";
import type { Session } from "./session.ts";

/**
 * Makes the artifacts of targets with a part of what they depend on.
 * @throws BstError domain stream, where a job failed; domain pipeline, where a ref is missing
 */
export async function buildTargets(session: Session, targets: readonly Element[], selection: Selection): Promise<void> {
  const { graph, states, events } = session;
  const reached = select(targets, "all");
  assertResolved(reached);
  queryCache(session, reached);
  const wanted =
    selection === "all" ? reached : selection === "build" ? targets.flatMap((each) => each.buildDependencies) : targets;
  const plan = planBuild(graph.elements, wanted, states, selection !== "none");

  await runPipeline(session, { queues: ["fetch", "build"], targets, elements: reached }, () => {
    for (const element of plan.required) {
      if (plan.builds.has(element)) continue;
      for (const action of ["fetch", "build"]) {
        events.emit({ type: "job-not-needed", action, element: element.fullName });
      }
    }
    // Scripts that come from BuildStream look for it.
    mkdirSync(join(session.config.cacheDirectory, "build"), { recursive: true });
    return buildTasks(
      session,
      deepestFirst(wanted).filter((element) => plan.builds.has(element)),
    );
  });
}

/** For each element, which come after what they depend on, a fetch and a build that waits for all that it is built from. */
function buildTasks(session: Session, elements: readonly Element[]): Task[] {
  const tasks: Task[] = [];
  const builds = new Map<Element, Task>();
  let host: SandboxHost | undefined;
  const sandboxHost = () => {
    host ??= detectSandbox(session.caches.cas);
    return host;
  };
  for (const element of elements) {
    const fetch = fetchTask(session, element);
    if (fetch !== undefined) tasks.push(fetch);
    const needs = neededBuilds(element, builds);
    if (fetch !== undefined) needs.push(fetch);
    const build: Task = { queue: "build", needs, run: (signal) => buildElement(session, element, sandboxHost, signal) };
    builds.set(element, build);
    tasks.push(build);
  }
  return tasks;
}

/**
 * The builds that must be done before an element's. Direct ones are enough where they are builds themselves, since
 * these wait for theirs; of what is in the cache already, the runtime dependencies count.
 */
function neededBuilds(element: Element, builds: ReadonlyMap<Element, Task>): Task[] {
  const needed = new Set<Task>();
  const visited = new Set<Element>();
  const stack = [...element.buildDependencies];
  for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
    if (visited.has(each)) continue;
    visited.add(each);
    const build = builds.get(each);
    if (build !== undefined) needed.add(build);
    stack.push(...each.runtimeDependencies);
  }
  return [...needed];
}

async function buildElement(
  session: Session,
  element: Element,
  sandboxHost: () => SandboxHost,
  signal: AbortSignal,
): Promise<void> {
  const { events, states, config } = session;
  await runJob({ action: "build", element, events, states, retries: 0 }, signal, async (messenger) => {
    const failed = states.of(element).artifact;
    if (failed !== undefined) throw cachedFailure(session, element, messenger);
    const tools = buildTools(session, messenger, sandboxHost, signal);
    await assemble(element, tools, config.cache.cacheBuildtrees);
  });
}

/** A build that failed before fails again without being run: its log becomes that of this job. */
function cachedFailure({ states, caches }: Session, element: Element, messenger: JobMessenger): BstError {
  const { artifact } = states.of(element);
  for (const { digest } of artifact?.logs ?? []) {
    messenger.emit({
      type: "log",
      text: "The log of the build that failed",
      detail: caches.cas.read(digest).toString(),
    });
  }
  return new BstError("element", artifact?.buildError ?? "", {
    reason: "cached-failure",
    ...(artifact?.buildErrorDetails && { detail: artifact.buildErrorDetails }),
  });
}

/** What an element is built, or a sandbox for it opened, with. */
export function buildTools(
  session: Session,
  messenger: JobMessenger,
  sandboxHost: () => SandboxHost,
  signal: AbortSignal,
): BuildTools {
  const { caches, states, graph, workspaces } = session;
  return {
    caches,
    states,
    workspaces,
    keys: graph.keys,
    messenger,
    signal,
    sandboxHost,
    artifactTree: (element) => {
      const { artifact } = states.of(element);
      if (artifact === undefined) {
        throw new BstError("element", `${element.fullName}: There is no artifact in the cache`, {
          reason: "uncached-checkout-attempt",
          detail: `Build it first: bst-ts build ${element.fullName}`,
        });
      }
      return artifact.files ?? EMPTY_DIRECTORY_DIGEST;
    },
    publicData: (element) => {
      const { artifact } = states.of(element);
      return artifact === undefined ? element.publicData : readPublicMetadata(caches.cas, artifact);
    },
  };
}
