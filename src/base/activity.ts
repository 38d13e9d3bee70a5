/** Timed activities: a `start` message, and a `success` or `failure` with the time that it took. */
import type { DisplayKey, Messenger } from "./messages.ts";

/** Activities shorter than this do not mention how many subtasks they processed. */
const TALLY_AFTER_MS = "BST_TEST_SUITE" in process.env ? 0 : 3000;

export interface ActivityOptions {
  readonly element?: string;
  readonly key?: DisplayKey;
  /** Shown below the `start` message. */
  readonly detail?: string;
}

/** Counts what was processed of the number expected, if that is known. */
export interface Tally {
  processed: number;
  expected?: number;
}

/**
 * Runs a step, which may be asynchronous, between its messages, and returns or throws what the step does.
 * @param step may count in the tally that it gets; long activities then end with `N of M subtasks processed`
 */
export function activity<T>(
  messenger: Messenger,
  text: string,
  step: (tally: Tally) => T,
  options: ActivityOptions = {},
): T {
  const { detail, ...about } = options;
  const tally: Tally = { processed: 0 };
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  const succeeded = () => {
    const elapsedMs = elapsed();
    const counted = elapsedMs > TALLY_AFTER_MS ? describe(tally) : undefined;
    messenger.emit({ type: "success", text, ...about, elapsedMs, ...(counted && { detail: counted }) });
  };
  const failed = () => messenger.emit({ type: "failure", text, ...about, elapsedMs: elapsed() });

  messenger.emit({ type: "start", text, ...about, ...(detail !== undefined && { detail }) });
  let result: T;
  try {
    result = step(tally);
  } catch (error) {
    failed();
    throw error;
  }
  if (result instanceof Promise) {
    return result.then(
      (value) => {
        succeeded();
        return value;
      },
      (error) => {
        failed();
        throw error;
      },
    ) as T;
  }
  succeeded();
  return result;
}

function describe({ processed, expected }: Tally): string | undefined {
  if (processed === 0) return undefined;
  return `${processed}${expected === undefined ? "" : ` of ${expected}`} subtasks processed`;
}

/** A messenger for the steps of an activity that speaks for them: they are recorded, but shown only if they matter. */
export function quiet(messenger: Messenger): Messenger {
  return { emit: (message) => messenger.emit({ ...message, silenced: true }) };
}
