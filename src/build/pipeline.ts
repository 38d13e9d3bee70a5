/** One run of the scheduler, with what is reported before and after it. */
import { BstError } from "../base/errors.ts";
import type { PipelineStarted } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import { elementView } from "./element-view.ts";
import { projectHeadings } from "./headings.ts";
import { JobFailed } from "./jobs.ts";
import { type OnError, schedule, type Task } from "./scheduler.ts";
import type { Session } from "./session.ts";

export interface Pipeline {
  /** Actions, in the order in which an element passes them. */
  readonly queues: readonly string[];
  readonly targets: readonly Element[];
  /** Everything that the command is about, in staging order. */
  readonly elements: readonly Element[];
  /** Whether what will be done is told, default, or is a step of something else. */
  readonly announce?: boolean;
}

/** @throws BstError domain stream, where a job failed or the user interrupted */
export async function runPipeline(session: Session, pipeline: Pipeline, tasksOf: () => readonly Task[]): Promise<void> {
  const { events, signal, states } = session;
  const { elements, announce = true } = pipeline;
  const { scheduler } = session.config;
  const keysBefore = new Map(elements.map((element) => [element, states.of(element).key]));
  if (announce) events.emit(heading(session, pipeline));
  const { failed, interrupted } = await schedule(tasksOf(), {
    limits: { fetch: scheduler.fetchers, build: scheduler.builders, track: scheduler.fetchers },
    onFailure: (error) => decide(session, error),
    signal,
  });
  events.emit({
    type: "pipeline-ended",
    total: elements.length,
    session: elements.length,
    changed: elements
      .filter((element) => states.of(element).key !== keysBefore.get(element))
      .map((element) => elementView(session, element)),
  });
  if (interrupted) throw new BstError("stream", "Interrupted");
  if (failed) throw new BstError("stream", "");
}

async function decide({ askAfterFailure, states, config }: Session, error: unknown): Promise<OnError | "retry"> {
  if (askAfterFailure === undefined || !(error instanceof JobFailed)) return config.scheduler.onError;
  const decision = await askAfterFailure(error);
  if (decision === "retry") states.forgetFailure(error.element);
  return decision;
}

function heading(session: Session, { queues, targets, elements }: Pipeline): PipelineStarted {
  const { config, graph } = session;
  const { scheduler } = config;
  return {
    type: "pipeline-started",
    queues,
    project: { name: graph.project.name, directory: graph.project.directory },
    targets: targets.map((target) => target.fullName),
    configuration: {
      "Configuration File": config.path ?? "Default Configuration",
      "Cache Directory": config.cacheDirectory,
      "Log Files": config.logDirectory,
      "Source Mirrors": config.sourceDirectory,
      "Strict Build Plan": session.strict ? "Yes" : "No",
      "Maximum Fetch Tasks": scheduler.fetchers,
      "Maximum Build Tasks": scheduler.builders,
      "Maximum Push Tasks": scheduler.pushers,
      "Maximum Network Retries": scheduler.networkRetries,
    },
    projects: projectHeadings(graph),
    elements: elements.map((element) => elementView(session, element)),
  };
}
