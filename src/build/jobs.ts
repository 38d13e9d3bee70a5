/** One job of a queue: reported from start to end, tried again where the network failed, ended when it is aborted. */
import { BstError } from "../base/errors.ts";
import type { EventSink, Job, JobMessenger } from "../base/messages.ts";
import type { Element } from "../project/element.ts";
import type { ElementStates } from "./states.ts";

/** Thrown by a job that had nothing to do. */
export class SkipJob extends Error {}

export interface JobOptions {
  readonly action: string;
  readonly element: Element;
  readonly events: EventSink;
  readonly states: ElementStates;
  /** How often to try again after failures that may pass. */
  readonly retries: number;
}

/** A job's failure, which the job has reported. */
export class JobFailed extends Error {
  readonly job: Job;
  readonly element: Element;

  constructor(job: Job, element: Element, cause: unknown) {
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
  const { action, element, events, states, retries } = options;
  for (let attempt = 1; ; attempt++) {
    const job = events.startJob({
      action,
      element: element.fullName,
      key: states.displayKey(element),
      log: { project: element.projectName, normalName: element.normalName },
    });
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
