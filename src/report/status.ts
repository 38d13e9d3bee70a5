/** The status lines of a terminal: what the queues have done, and each running job with the time it has taken. */
import { stripVTControlCharacters } from "node:util";
import type { Job, ReportEvent } from "../base/messages.ts";
import { Progress } from "./progress.ts";
import { type QueueState, queueTitle } from "./queues.ts";
import type { Styles } from "./style.ts";
import type { StatusLines } from "./terminal.ts";
import { formatDuration } from "./time.ts";

/** Characters of an element's name; how far it is has to do with the rest. */
const SHORTEST_NAME = 4;

interface RunningJob {
  readonly job: Job;
  readonly since: number;
  readonly progress: Progress;
}

export class Status implements StatusLines {
  readonly #jobs = new Map<number, RunningJob>();
  readonly #state: QueueState;
  readonly #styles: Styles;
  readonly #began = performance.now();
  #project = "";

  constructor(state: QueueState, styles: Styles) {
    this.#state = state;
    this.#styles = styles;
  }

  get running(): boolean {
    return this.#jobs.size > 0;
  }

  /** @returns whether there may be something else to draw */
  handle(event: ReportEvent): boolean {
    switch (event.type) {
      case "pipeline-started":
        this.#project = event.project?.name ?? "";
        return false;
      case "job-started":
        this.#jobs.set(event.job.id, { job: event.job, since: performance.now(), progress: new Progress() });
        return true;
      case "job-progress":
        this.#jobs.get(event.job.id)?.progress.update(event);
        return true;
      case "job-ended":
        return this.#jobs.delete(event.job.id);
      default:
        return false;
    }
  }

  lines(columns: number, rows: number): string[] {
    if (!this.running) return [];
    const jobs = [...this.#jobs.values()];
    const room = Math.max(1, rows - 3);
    const lines = [this.#header(columns), ...jobs.slice(0, room).map((job) => this.#job(job, columns))];
    if (jobs.length > room) lines.push(this.#styles.detail(`… and ${jobs.length - room} more`));
    return lines;
  }

  #header(columns: number): string {
    const { content, frame, success, error } = this.#styles;
    const queues = [...this.#state.queues].map(([action, { processed, skipped, failed }]) => {
      const counts = [success(String(processed)), content(String(skipped)), error(String(failed.length))];
      return frame("(") + content(queueTitle(action)) + frame(":") + counts.join(" ") + frame(")");
    });
    const elapsed = formatDuration(performance.now() - this.#began);
    const line = [frame("==="), content(elapsed), content(this.#project), ...queues].filter(Boolean).join(" ");
    const plain = stripVTControlCharacters(line);
    return plain.length > columns ? plain.slice(0, columns) : line;
  }

  #job({ job, since, progress }: RunningJob, columns: number): string {
    const { content, frame } = this.#styles;
    const elapsed = formatDuration(performance.now() - since);
    const left = columns - elapsed.length - job.action.length - 5;
    const told = String(progress);
    const shown = told === "" || told.length + SHORTEST_NAME >= left ? "" : `:${told}`;
    const room = Math.max(1, left - shown.length);
    const name = job.element.length > room ? `…${job.element.slice(1 - room)}` : job.element;
    return (
      `${frame("[")}${content(elapsed)}${frame("][")}${content(job.action)}${frame(":")}` +
      `${content(name)}${content(shown)}${frame("]")}`
    );
  }
}
