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
import { jobSubject, runJob, SkipJob } from "./jobs.ts";
import { runPipeline } from "./pipeline.ts";
import { Planner } from "./plan.ts";
import { queryCache } from "./query.ts";
import { type Selection, select } from "./selection.ts";
import type { Session } from "./session.ts";
import { keepArtifact } from "./storage.ts";

/**
 * Makes the artifacts of targets with a part of what they depend on.
 * @throws BstError domain stream, where a job failed; domain pipeline, where a ref is missing
 */
export async function buildTargets(session: Session, targets: readonly Element[], selection: Selection): Promise<void> {
  const reached = select(targets, "all");
  assertResolved(reached, session.graph.keys);
  await queryCache(session, reached);
  const wanted =
    selection === "all" ? reached : selection === "build" ? targets.flatMap((each) => each.buildDependencies) : targets;
  let host: SandboxHost | undefined;
  const sandboxHost = () => {
    host ??= detectSandbox(session.caches.cas);
    return host;
  };
  const planner = new Planner(session, wanted, (element, signal) =>
    buildElement(session, element, sandboxHost, signal),
  );
  await runPipeline(session, { queues: planner.queues, targets, elements: reached }, () => {
    // Scripts that come from BuildStream look for it.
    mkdirSync(join(session.config.cacheDirectory, "build"), { recursive: true });
    return planner.require(wanted, selection !== "none");
  });
}

async function buildElement(
  session: Session,
  element: Element,
  sandboxHost: () => SandboxHost,
  signal: AbortSignal,
): Promise<void> {
  const { events, states, config } = session;
  await runJob(
    { action: "build", subject: jobSubject(element, states), events, retries: 0 },
    signal,
    async (messenger) => {
      if (states.hasFailed(element)) throw cachedFailure(session, element, messenger);
      // What it is built from turned out to be what an artifact in the cache was built from.
      if (states.isCached(element)) throw new SkipJob("Build");
      const tools = buildTools(session, messenger, sandboxHost, signal);
      try {
        await assemble(element, tools, config.cache.cacheBuildtrees);
      } finally {
        if (!signal.aborted) await keepArtifact(session, states.of(element).artifact, signal);
      }
    },
  );
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
