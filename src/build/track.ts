/** Tracking: asks sources for their newest versions, and writes the new refs to the project. */
import { BstError } from "../base/errors.ts";
import type { Tree } from "../cas/tree.ts";
import type { Element } from "../project/element.ts";
import type { Project } from "../project/project.ts";
import type { Ref } from "../project/source-kind.ts";
import type { ElementSource } from "../project/sources.ts";
import { jobSubject, runJob, SkipJob } from "./jobs.ts";
import { runPipeline } from "./pipeline.ts";
import { sourceElements } from "./redirect.ts";
import { RefWriter } from "./ref-writer.ts";
import { except, type Selection, select } from "./selection.ts";
import type { Session } from "./session.ts";
import { fetchOriginals, type SourceTools, sourceIo, stageBefore } from "./source-io.ts";

export interface TrackSelection {
  readonly selection: Selection;
  readonly excepted: readonly Element[];
  /** Whether what targets of one project reach in others is tracked as well. */
  readonly crossJunctions: boolean;
}

/**
 * The elements to track.
 * @throws BstError domain stream, reason untrackable-sources, where their refs could be kept nowhere in the project
 */
export function trackedElements(
  { graph, events }: Session,
  targets: readonly Element[],
  { selection, excepted, crossJunctions }: TrackSelection,
): Element[] {
  const byProject = new Map<Project, Element[]>();
  for (const target of targets) {
    const group = byProject.get(target.project);
    if (group === undefined) byProject.set(target.project, [target]);
    else group.push(target);
  }
  const { project: toplevel } = graph;
  const selected = [...byProject].flatMap(([project, group]) => {
    const all = selection === "none" ? sourceElements(group, events) : select(group, selection);
    return crossJunctions ? all : all.filter((element) => element.project === project);
  });
  if (toplevel.refStorage === "inline" && selected.some((element) => element.project !== toplevel)) {
    throw new BstError("stream", "Sources of other projects cannot be tracked", {
      reason: "untrackable-sources",
      detail: "Their refs can only be kept in a project with 'ref-storage: project.refs'.",
    });
  }
  return except(targets, [...new Set(selected)], excepted);
}

/** @throws BstError domain stream, where a job failed */
export async function trackElements(
  session: Session,
  targets: readonly Element[],
  elements: readonly Element[],
): Promise<void> {
  const writer = new RefWriter();
  const tracked = elements.filter(({ sources }) => sources.length > 0);
  await runPipeline(session, { queues: ["track"], targets, elements }, () => {
    for (const element of elements) {
      if (element.sources.length > 0) continue;
      session.events.emit({ type: "job-not-needed", action: "track", element: element.fullName });
    }
    let left = tracked.length;
    return tracked.map((element) => ({
      queue: "track",
      needs: [],
      run: async (signal) => {
        try {
          await trackElement(session, element, writer, signal);
        } finally {
          left -= 1;
          // Once, since each time costs the keys of everything.
          if (left === 0) forgetKeys(session);
        }
      },
    }));
  });
}

function forgetKeys({ graph, states }: Session): void {
  graph.keys.clear();
  states.clear();
}

async function trackElement(
  { events, states, caches, config }: Session,
  element: Element,
  writer: RefWriter,
  signal: AbortSignal,
): Promise<void> {
  const { networkRetries: retries } = config.scheduler;
  await runJob(
    { action: "track", subject: jobSubject(element, states), events, retries },
    signal,
    async (messenger) => {
      const tools: SourceTools = { cas: caches.cas, messenger, signal };
      const found: { source: ElementSource; ref: Ref }[] = [];
      for (const source of element.sources) {
        const ref = await trackSource(element, source, tools);
        if (ref !== undefined) found.push({ source, ref });
      }
      if (element.sources.every(({ source }) => source.ref === undefined)) {
        throw new SkipJob("The sources of the element cannot be tracked");
      }
      // When all of them are known, so that a failure leaves the project as it was.
      for (const { source, ref } of found) writer.save(element, source, ref);
    },
  );
}

/** @returns the source's new ref, which it has then; undefined where that is the one it had */
async function trackSource(element: Element, each: ElementSource, tools: SourceTools): Promise<Ref | undefined> {
  const { source, definition } = each;
  let previous: Tree | undefined;
  if (definition.needsPrevious?.track) {
    await fetchOriginals(element, tools, each);
    previous = await stageBefore(element, each, tools);
  }
  const ref = await source.track(sourceIo(element, each, tools, previous));
  if (ref === undefined || JSON.stringify(ref) === JSON.stringify(source.ref)) return undefined;
  const text = `Found new revision: ${typeof ref === "string" ? ref : JSON.stringify(ref)}`;
  tools.messenger.emit({ type: "info", text, element: element.fullName });
  source.setRef(ref);
  return ref;
}
