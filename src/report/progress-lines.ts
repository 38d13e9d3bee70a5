/** Tells of long transfers where no status lines do: a line for each job now and then. */
import type { Message, ReportEvent } from "../base/messages.ts";
import { Progress } from "./progress.ts";
import { queueTitle } from "./queues.ts";

const EVERY_MS = 10_000;

interface RunningJob {
  readonly progress: Progress;
  toldAt: number;
}

export class ProgressLines {
  readonly #jobs = new Map<number, RunningJob>();

  /** What is to be told now, after an event. */
  handle(event: ReportEvent): Message | undefined {
    if (event.type === "job-ended") this.#jobs.delete(event.job.id);
    if (event.type === "job-started") {
      this.#jobs.set(event.job.id, { progress: new Progress(), toldAt: performance.now() });
    }
    if (event.type !== "job-progress" || event.unit !== "bytes") return undefined;
    const { job } = event;
    const running = this.#jobs.get(job.id);
    if (running === undefined) return undefined;
    running.progress.update(event);
    if (performance.now() - running.toldAt < EVERY_MS) return undefined;
    running.toldAt = performance.now();
    const { action, element, key } = job;
    const text = `${queueTitle(action)}: ${running.progress}`;
    return { type: "status", task: action, element, ...(key && { key }), job, text };
  }
}
