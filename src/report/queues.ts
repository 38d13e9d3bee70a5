/** What the queues have done so far, and what failed: kept from the events, for summaries and error records. */
import type { Message, ReportEvent, TaskError } from "../base/messages.ts";

export interface QueueCounts {
  processed: number;
  skipped: number;
  /** Full names of elements; one that is tried again leaves the list. */
  failed: string[];
}

export class QueueState {
  readonly queues = new Map<string, QueueCounts>();
  /** The last failure message of each element. */
  readonly #failures = new Map<string, Message>();
  lastTaskError: TaskError | undefined;

  handle(event: ReportEvent): void {
    switch (event.type) {
      case "pipeline-started":
        this.queues.clear();
        for (const action of event.queues) this.#queue(action);
        break;
      case "job-not-needed":
        this.#queue(event.action).skipped += 1;
        break;
      case "job-started": {
        const queue = this.#queue(event.job.action);
        queue.failed = queue.failed.filter((element) => element !== event.job.element);
        break;
      }
      case "job-ended": {
        const queue = this.#queue(event.job.action);
        if (event.error) this.lastTaskError = event.error;
        if (event.outcome === "processed") queue.processed += 1;
        else if (event.outcome === "failed") queue.failed.push(event.job.element);
        else if (event.outcome !== "retried") queue.skipped += 1;
        break;
      }
      case "failure":
      case "error":
      case "bug":
        if (event.element !== undefined) this.#failures.set(event.element, event);
    }
  }

  /** Element → its last failure, of those whose last job failed, by name. */
  failures(): [string, Message][] {
    const failed = new Set([...this.queues.values()].flatMap((queue) => queue.failed));
    return [...this.#failures].filter(([element]) => failed.has(element)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #queue(action: string): QueueCounts {
    const known = this.queues.get(action);
    if (known) return known;
    const queue: QueueCounts = { processed: 0, skipped: 0, failed: [] };
    this.queues.set(action, queue);
    return queue;
  }
}

/** The queue's name in headings: `fetch` → `Fetch`. */
export function queueTitle(action: string): string {
  return action.charAt(0).toUpperCase() + action.slice(1);
}
