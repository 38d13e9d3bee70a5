/** Questions to somebody at the terminal. */
import { createInterface } from "node:readline/promises";
import { BstError } from "../base/errors.ts";

export interface Question<T> {
  /** Without the colon. */
  readonly text: string;
  /** What an empty answer stands for. */
  readonly defaultAnswer?: string;
  /** Throws BstError for an answer that will not do; its message is shown, and the question asked again. */
  accept(answer: string): T;
}

/** Asks questions one after the other, until it is closed. */
export class Prompter {
  readonly #readline = createInterface({ input: process.stdin, output: process.stderr });
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    const ended = new AbortController();
    this.#readline.once("close", () => ended.abort());
    this.#signal = AbortSignal.any([signal, ended.signal]);
  }

  /** @throws BstError where there will be no answer: the input ended, or the user interrupted */
  async ask<T>({ text, defaultAnswer, accept }: Question<T>): Promise<T> {
    const shown = defaultAnswer === undefined ? "" : ` [${defaultAnswer}]`;
    for (;;) {
      const answer = (await this.#read(`${text}${shown}: `)) || defaultAnswer;
      if (answer === undefined) continue;
      try {
        return accept(answer);
      } catch (error) {
        if (!(error instanceof BstError)) throw error;
        this.say(`Error: ${error.message}${error.detail === undefined ? "" : `\n\n${error.detail}\n`}`);
      }
    }
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  close(): void {
    this.#readline.close();
  }

  async #read(question: string): Promise<string> {
    try {
      return await this.#readline.question(question, { signal: this.#signal });
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      this.say("");
      throw new BstError("app", "There was no answer", { cause: error });
    }
  }
}
