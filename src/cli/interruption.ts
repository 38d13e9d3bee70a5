/** What the user's Ctrl-C, and a request to end, do to the program. */
import { EXIT } from "./failure.ts";

export class Interruption {
  readonly #controller = new AbortController();
  /** How many others have the terminal. */
  #lent = 0;

  /** From now on, the first SIGINT, SIGTERM or SIGHUP aborts {@link signal}, and a second one ends the program at once. */
  constructor() {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => {
        if (name === "SIGINT" && this.#lent > 0) return;
        if (this.signal.aborted) process.exit(EXIT.failure);
        this.#controller.abort();
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Takes Ctrl-C for that of another program at the terminal, until what is returned is called. */
  lendTerminal(): () => void {
    this.#lent++;
    return () => {
      this.#lent--;
    };
  }
}
