/** Runs jobs as soon as what they need is done, so many of each kind at a time. */
import pLimit, { type LimitFunction } from "p-limit";

export type OnError = "continue" | "quit" | "terminate";

export interface Task {
  /** Tasks that must have succeeded before. */
  readonly needs: readonly Task[];
  /** The queue whose limit counts. */
  readonly queue: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface ScheduleOptions {
  /** How many tasks of each queue may run at a time. */
  readonly limits: Readonly<Record<string, number>>;
  /** Told of each failure of a task; says what becomes of the others, or that this one is run again. */
  readonly onFailure: (error: unknown) => Promise<OnError | "retry"> | OnError | "retry";
  readonly signal: AbortSignal;
}

export interface ScheduleResult {
  readonly failed: boolean;
  /** Whether the user's signal ended it. */
  readonly interrupted: boolean;
}

/**
 * Runs tasks, which report their own failures; of those that can start, the first of the list goes first. After a
 * failure, `continue` goes on with what does not need the task that failed, `quit` lets running tasks end, and
 * `terminate` ends them.
 */
export async function schedule(tasks: readonly Task[], options: ScheduleOptions): Promise<ScheduleResult> {
  const terminate = new AbortController();
  const signal = AbortSignal.any([options.signal, terminate.signal]);
  const run = new Run(tasks, options, signal, () => terminate.abort());
  await run.finished();
  return { failed: run.failed, interrupted: options.signal.aborted };
}

class Run {
  failed = false;
  private readonly options: ScheduleOptions;
  private readonly signal: AbortSignal;
  private readonly terminate: () => void;
  private readonly limits: ReadonlyMap<string, LimitFunction>;
  /** Tasks that can start, of each queue, by their place in the list. */
  private readonly ready = new Map<string, Set<Task>>();
  private readonly places = new Map<Task, number>();
  private readonly waiting = new Map<Task, number>();
  private readonly dependents = new Map<Task, Task[]>();
  private readonly turns: Promise<void>[] = [];
  private isStopped = false;

  constructor(tasks: readonly Task[], options: ScheduleOptions, signal: AbortSignal, terminate: () => void) {
    this.options = options;
    this.signal = signal;
    this.terminate = terminate;
    const limits = Object.entries(options.limits);
    this.limits = new Map(limits.map(([queue, limit]) => [queue, pLimit(Math.max(1, limit))]));
    for (const [place, task] of tasks.entries()) {
      this.places.set(task, place);
      this.waiting.set(task, task.needs.length);
      for (const needed of task.needs) {
        const known = this.dependents.get(needed);
        if (known === undefined) this.dependents.set(needed, [task]);
        else known.push(task);
      }
    }
    for (const task of tasks) if (task.needs.length === 0) this.start(task);
  }

  /** Done when no task runs, and none can start. */
  async finished(): Promise<void> {
    // Turns add turns.
    for (let next = this.turns.pop(); next !== undefined; next = this.turns.pop()) await next;
  }

  /** Gives the task's queue a turn, which goes to the first task that can start by then. */
  private start(task: Task): void {
    const limit = this.limits.get(task.queue);
    if (limit === undefined) throw new Error(`there is no limit for the queue ${task.queue}`);
    const ready = this.ready.get(task.queue) ?? new Set();
    this.ready.set(task.queue, ready.add(task));
    this.turns.push(limit(() => this.turn(ready)));
  }

  private async turn(ready: Set<Task>): Promise<void> {
    if (this.isStopped || this.signal.aborted) return;
    let task: Task | undefined;
    for (const each of ready) if (task === undefined || this.place(each) < this.place(task)) task = each;
    if (task === undefined) return;
    ready.delete(task);
    if (!(await this.succeeds(task))) return;
    for (const dependent of this.dependents.get(task) ?? []) {
      const left = (this.waiting.get(dependent) ?? 1) - 1;
      this.waiting.set(dependent, left);
      if (left === 0) this.start(dependent);
    }
  }

  private async succeeds(task: Task): Promise<boolean> {
    for (;;) {
      try {
        await task.run(this.signal);
        return true;
      } catch (error) {
        // The task has reported it.
        const decision = this.signal.aborted ? "terminate" : await this.options.onFailure(error);
        if (decision === "retry") continue;
        this.failed = true;
        if (decision !== "continue") this.isStopped = true;
        if (decision === "terminate") this.terminate();
        return false;
      }
    }
  }

  private place(task: Task): number {
    return this.places.get(task) ?? 0;
  }
}
