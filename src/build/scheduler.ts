/** Runs jobs as soon as what they need is done, so many of each kind at a time; jobs may lead to further ones. */
import pLimit, { type LimitFunction } from "p-limit";

export type OnError = "continue" | "quit" | "terminate";

export interface Task {
  /** Tasks that must have succeeded before. */
  readonly needs: readonly Task[];
  /** The queue whose limit counts. */
  readonly queue: string;
  /** Of those that can start, the lowest goes first; by default in the order in which they came. */
  readonly rank?: number;
  /** Whether it runs even after a failure that lets nothing else begin. */
  readonly isLasting?: boolean;
  run(signal: AbortSignal): Promise<void>;
  /** What it leads to when it has succeeded. */
  further?(): Further;
  /** Tasks that follow when it has ended, even if it failed. */
  after?(): readonly Task[];
}

/** Tasks that one leads to. */
export interface Further {
  /** Those that must succeed as well before whatever needs the task can start. */
  readonly instead: readonly Task[];
  readonly others: readonly Task[];
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
  const run = new Run(options, signal, () => terminate.abort());
  run.add(tasks);
  await run.finished();
  return { failed: run.failed, interrupted: options.signal.aborted };
}

class Run {
  failed = false;
  private readonly options: ScheduleOptions;
  private readonly signal: AbortSignal;
  private readonly terminate: () => void;
  private readonly limits: ReadonlyMap<string, LimitFunction>;
  /** Tasks that can start, of each queue. */
  private readonly ready = new Map<string, Set<Task>>();
  private readonly places = new Map<Task, number>();
  /** How many tasks each waits for. */
  private readonly waiting = new Map<Task, number>();
  private readonly dependents = new Map<Task, Task[]>();
  /** Tasks that succeeded, with those that must succeed in addition. */
  private readonly done = new Map<Task, readonly Task[]>();
  private readonly turns: Promise<void>[] = [];
  private isStopped = false;

  constructor(options: ScheduleOptions, signal: AbortSignal, terminate: () => void) {
    this.options = options;
    this.signal = signal;
    this.terminate = terminate;
    const limits = Object.entries(options.limits);
    this.limits = new Map(limits.map(([queue, limit]) => [queue, pLimit(Math.max(1, limit))]));
  }

  add(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.places.set(task, task.rank ?? this.places.size);
      this.waiting.set(task, 0);
      for (const needed of task.needs) this.await(task, needed);
    }
    for (const task of tasks) if (this.waiting.get(task) === 0) this.start(task);
  }

  /** Done when no task runs, and none can start. */
  async finished(): Promise<void> {
    // Turns add turns.
    for (let next = this.turns.pop(); next !== undefined; next = this.turns.pop()) await next;
  }

  /** Lets a task wait for another, or for those that this has led to. */
  private await(task: Task, needed: Task): void {
    const stack = [needed];
    for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
      const instead = this.done.get(each);
      if (instead !== undefined) {
        stack.push(...instead);
        continue;
      }
      this.waiting.set(task, (this.waiting.get(task) ?? 0) + 1);
      const known = this.dependents.get(each);
      if (known === undefined) this.dependents.set(each, [task]);
      else known.push(task);
    }
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
    if (this.signal.aborted) return;
    let task: Task | undefined;
    for (const each of ready) {
      if (this.isStopped && !each.isLasting) continue;
      if (task === undefined || this.place(each) < this.place(task)) task = each;
    }
    if (task === undefined) return;
    ready.delete(task);
    const hasSucceeded = await this.succeeds(task);
    if (!this.signal.aborted) this.add(task.after?.() ?? []);
    if (!hasSucceeded) return;
    const { instead = [], others = [] } = task.further?.() ?? {};
    this.done.set(task, instead);
    this.add([...instead, ...others]);
    for (const dependent of this.dependents.get(task) ?? []) {
      for (const each of instead) this.await(dependent, each);
      const left = (this.waiting.get(dependent) ?? 1) - 1;
      this.waiting.set(dependent, left);
      if (left === 0) this.start(dependent);
    }
    this.dependents.delete(task);
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
