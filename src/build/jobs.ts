/** One job of a queue: reported from start to end, tried again where the network failed, ended when it is aborted. */
import { BstError } from "../base/errors.ts";
import type { DisplayKey, EventSink, Job, JobMessenger } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import type { ElementStates } from "./states.ts";

/** Thrown by a job that had nothing to do. */
export class SkipJob extends Error {}

/** What a job is about: an element, or an artifact that was named as it is in the cache. */
export interface JobSubject {
  /** Full name of the element, or the element's part of the artifact's name. */
  readonly name: string;
  readonly project: string;
  readonly normalName: string;
  readonly element: Element | undefined;
  /** As far as it is known by then. */
  key(): DisplayKey;
}

export function jobSubject(element: Element, states: ElementStates): JobSubject {
  const { fullName: name, projectName: project, normalName } = element;
  return { name, project, normalName, element, key: () => states.displayKey(element) };
}

export interface JobOptions {
  readonly action: string;
  readonly subject: JobSubject;
  readonly events: EventSink;
  /** How often to try again after failures that may pass. */
  readonly retries: number;
}

/** A job's failure, which the job has reported. */
export class JobFailed extends Error {
  readonly job: Job;
  readonly element: Element | undefined;

  constructor(job: Job, element: Element | undefined, cause: unknown) {
    super(`${job.action} of ${job.element} failed`, { cause });
    this.job = job;
    this.element = element;
  }
}

/** @throws JobFailed, and whatever was thrown when the signal was aborted */
export async function runJob(
  options: JobOptions,
  signal: AbortSignal,
  work: (messenger: JobMessenger) => Promise<void>,
): Promise<void> {
  const { action, subject, events, retries } = options;
  const { name, project, normalName, element } = subject;
  for (let attempt = 1; ; attempt++) {
    const job = events.startJob({ action, element: name, key: subject.key(), log: { project, normalName } });
    try {
      await work(job);
      job.end({ outcome: "processed" });
      return;
    } catch (error) {
      if (error instanceof SkipJob) {
        job.end({ outcome: "skipped", text: error.message });
        return;
      }
      if (signal.aborted) {
        job.end({ outcome: "terminated" });
        throw error;
      }
      const again = error instanceof BstError && error.temporary && attempt <= retries;
      job.end(again ? { outcome: "retried", attempt, error } : { outcome: "failed", error });
      if (!again) throw new JobFailed(job.job, element, error);
    }
  }
}
