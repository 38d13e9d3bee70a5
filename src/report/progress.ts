/** How far a job is, and how fast it goes. */
import type { JobProgress } from "../base/messages.ts";
import { formatSize } from "../base/size.ts";

/** Rates are those of this time. */
const WINDOW_MS = 5000;
/** Too little to tell a rate by. */
const SHORTEST_MS = 500;

interface Sample {
  readonly at: number;
  readonly current: number;
}

export class Progress {
  #event: Pick<JobProgress, "current" | "maximum" | "unit"> | undefined;
  /** The first of them is as old as the window, or older. */
  #samples: Sample[] = [];

  update(event: Pick<JobProgress, "current" | "maximum" | "unit">): void {
    const at = performance.now();
    const { current } = event;
    // It began anew.
    if (current < (this.#event?.current ?? 0)) this.#samples = [];
    this.#event = event;
    this.#samples.push({ at, current });
    while ((this.#samples[1]?.at ?? at) <= at - WINDOW_MS) this.#samples.shift();
  }

  /** `3/7`, or `12.3 MB of 380.0 MB, 45.0 MB/s`; empty where nothing is known. */
  toString(): string {
    if (this.#event === undefined) return "";
    const { current, maximum, unit } = this.#event;
    if (unit !== "bytes") return maximum === undefined ? String(current) : `${current}/${maximum}`;
    const done = maximum === undefined ? formatSize(current) : `${formatSize(current)} of ${formatSize(maximum)}`;
    const rate = this.#rate();
    return rate === undefined ? done : `${done}, ${formatSize(rate)}/s`;
  }

  /** Per second. */
  #rate(): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const elapsed = performance.now() - first.at;
    return elapsed < SHORTEST_MS ? undefined : Math.round(((last.current - first.current) * 1000) / elapsed);
  }
}
