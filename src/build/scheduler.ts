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
  readonly onError: OnError;
  readonly signal: AbortSignal;
}

export interface ScheduleResult {
  readonly failed: boolean;
  /** Whether the user's signal ended it. */
  readonly interrupted: boolean;
}

/**
 * Runs tasks, which report their own failures. After a failure, `continue` goes on with what does not need the task
 * that failed, `quit` lets running tasks end, and `terminate` ends them.
 */
export async function schedule(tasks: readonly Task[], options: ScheduleOptions): Promise<ScheduleResult> {
  const limits = new Map<string, LimitFunction>(
    Object.entries(options.limits).map(([queue, limit]) => [queue, pLimit(Math.max(1, limit))]),
  );
  const terminate = new AbortController();
  const signal = AbortSignal.any([options.signal, terminate.signal]);
  const waiting = new Map<Task, number>();
  const dependents = new Map<Task, Task[]>();
  for (const task of tasks) {
    waiting.set(task, task.needs.length);
    for (const needed of task.needs) dependents.set(needed, [...(dependents.get(needed) ?? []), task]);
  }

  let failed = false;
  let stopped = false;
  let running = 0;
  return new Promise((resolve) => {
    const finish = () => {
      if (running === 0) resolve({ failed, interrupted: options.signal.aborted });
    };
    const start = (task: Task) => {
      const limit = limits.get(task.queue);
      if (limit === undefined) throw new Error(`there is no limit for the queue ${task.queue}`);
      running += 1;
      limit(async () => {
        if (stopped || signal.aborted) return;
        try {
          await task.run(signal);
          for (const dependent of dependents.get(task) ?? []) {
            const left = (waiting.get(dependent) ?? 1) - 1;
            waiting.set(dependent, left);
            if (left === 0 && !stopped) start(dependent);
          }
        } catch {
          // The task has reported it.
          failed = true;
          if (options.onError !== "continue") stopped = true;
          if (options.onError === "terminate") terminate.abort();
        }
      }).finally(() => {
        running -= 1;
        finish();
      });
    };
    for (const task of tasks) if (task.needs.length === 0) start(task);
    finish();
  });
}
