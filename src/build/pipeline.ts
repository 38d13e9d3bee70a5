/** One run of the scheduler, with what is reported before and after it. */
import { BstError } from "../base/errors.ts";
import type { PipelineEnded, PipelineStarted } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import type { UserConfig } from "../project/user-config.ts";
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

/** What running jobs takes; a project need not be loaded. */
export type RunTools = Pick<Session, "config" | "events" | "signal" | "askAfterFailure"> &
  Partial<Pick<Session, "states">>;

/** @throws BstError domain stream, where a job failed or the user interrupted */
export async function runPipeline(session: Session, pipeline: Pipeline, tasksOf: () => readonly Task[]): Promise<void> {
  const { states } = session;
  const { elements, announce = true } = pipeline;
  const keysBefore = new Map(elements.map((element) => [element, states.of(element).key]));
  await runTasks(session, announce ? heading(session, pipeline) : undefined, tasksOf, () => ({
    total: elements.length,
    session: elements.length,
    changed: elements
      .filter((element) => states.of(element).key !== keysBefore.get(element))
      .map((element) => elementView(session, element)),
  }));
}

/**
 * @param started what is reported before, if anything
 * @throws BstError domain stream, where a job failed or the user interrupted
 */
export async function runTasks(
  tools: RunTools,
  started: PipelineStarted | undefined,
  tasksOf: () => readonly Task[],
  summary: () => Omit<PipelineEnded, "type">,
): Promise<void> {
  const { events, signal, config } = tools;
  const { fetchers, builders, pushers } = config.scheduler;
  if (started !== undefined) events.emit(started);
  const { failed, interrupted } = await schedule(tasksOf(), {
    limits: { fetch: fetchers, build: builders, track: fetchers, push: pushers },
    onFailure: (error) => decide(tools, error),
    signal,
  });
  events.emit({ type: "pipeline-ended", ...summary() });
  if (interrupted) throw new BstError("stream", "Interrupted");
  if (failed) throw new BstError("stream", "");
}

async function decide({ askAfterFailure, states, config }: RunTools, error: unknown): Promise<OnError | "retry"> {
  if (askAfterFailure === undefined || !(error instanceof JobFailed)) return config.scheduler.onError;
  const decision = await askAfterFailure(error);
  if (decision === "retry" && error.element !== undefined) states?.forgetFailure(error.element);
  return decision;
}

function heading(session: Session, { queues, targets, elements }: Pipeline): PipelineStarted {
  const { graph } = session;
  return {
    type: "pipeline-started",
    queues,
    project: { name: graph.project.name, directory: graph.project.directory },
    targets: targets.map((target) => target.fullName),
    configuration: configurationHeading(session.config, session.strict),
    projects: projectHeadings(graph, session.remotes),
    elements: elements.map((element) => elementView(session, element)),
  };
}

export function configurationHeading(config: UserConfig, strict: boolean): PipelineStarted["configuration"] {
  const { scheduler } = config;
  return {
    "Configuration File": config.path ?? "Default Configuration",
    "Cache Directory": config.cacheDirectory,
    "Log Files": config.logDirectory,
    "Source Mirrors": config.sourceDirectory,
    "Strict Build Plan": strict ? "Yes" : "No",
    "Maximum Fetch Tasks": scheduler.fetchers,
    "Maximum Build Tasks": scheduler.builders,
    "Maximum Push Tasks": scheduler.pushers,
    "Maximum Network Retries": scheduler.networkRetries,
  };
}
