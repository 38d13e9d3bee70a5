/** What the user's Ctrl-C, and a request to end, do to the program. */
import { EXIT } from "./failure.ts";

export type TakeSignal = (name: NodeJS.Signals) => void;

export class Interruption {
  readonly #controller = new AbortController();
  /** Others that have the terminal, and what they do with signals; the last is the one. */
  readonly #lent: (TakeSignal | undefined)[] = [];

  /** From now on, the first SIGINT, SIGTERM or SIGHUP aborts {@link signal}, and a second one ends the program at once. */
  constructor() {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => {
        const take = this.#lent.at(-1);
        if (take !== undefined) {
          take(name);
          return;
        }
        if (name === "SIGINT" && this.#lent.length > 0) return;
        if (this.signal.aborted) process.exit(EXIT.failure);
        this.#controller.abort();
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Takes Ctrl-C for that of another program at the terminal, until what is returned is called.
   * @param take gets all signals meanwhile
   */
  lendTerminal(take?: TakeSignal): () => void {
    this.#lent.push(take);
    return () => {
      this.#lent.pop();
    };
  }
}
