/** What somebody at the terminal is asked when a job has failed. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { BstError } from "../base/errors.ts";
import type { JobFailed } from "../build/jobs.ts";
import type { OnError } from "../build/scheduler.ts";
import { queueTitle } from "../report/queues.ts";
import { detectSandbox } from "../sandbox/sandbox.ts";
import type { CommandContext } from "./app.ts";
import { elementSubject } from "./artifacts.ts";
import { buildTreeRoot, openShell } from "./open-shell.ts";
import { STDERR, writeError } from "./output.ts";
import { Prompter } from "./prompt.ts";
import type { Workbench } from "./workbench.ts";

const CHOICES = {
  continue: "build what does not depend on it",
  quit: "let the running jobs end, and stop",
  terminate: "end the running jobs, and stop",
  retry: "run this job again",
  log: "show its whole log",
  shell: "open a shell in the sandbox that it failed in",
} as const;

type Choice = keyof typeof CHOICES;
type Decision = OnError | "retry";

/** Asks about one failure at a time; once the user wants to stop, about no other. */
export class FailureQuestions {
  readonly #context: CommandContext;
  readonly #bench: Workbench;
  #turn: Promise<Decision> = Promise.resolve("continue");

  constructor(context: CommandContext, bench: Workbench) {
    this.#context = context;
    this.#bench = bench;
  }

  ask(failure: JobFailed): Promise<Decision> {
    this.#turn = this.#turn.then((last) => (last === "quit" || last === "terminate" ? last : this.#decide(failure)));
    return this.#turn;
  }

  async #decide(failure: JobFailed): Promise<Decision> {
    const takeBack = this.#context.lendTerminal({ holdMessages: true });
    try {
      for (;;) {
        const choice = await this.#choose(failure);
        if (choice === "log") showLog(failure.job.logFile ?? "");
        else if (choice === "shell") await this.#openShell(failure);
        else return choice;
      }
    } finally {
      takeBack();
    }
  }

  async #choose(failure: JobFailed): Promise<Choice> {
    const choices = this.#choices(failure);
    const { action, element } = failure.job;
    const lines = choices.map((choice) => `  (${choice[0]})${choice.slice(1).padEnd(10)}${CHOICES[choice]}`);
    const prompter = new Prompter(this.#context.signal);
    try {
      prompter.say(`\n${queueTitle(action)} of ${element} failed. What now?\n\n${lines.join("\n")}\n`);
      return await prompter.ask({
        text: "Choice",
        defaultAnswer: "continue",
        accept: (answer) => choiceOf(answer, choices),
      });
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
      return "terminate";
    } finally {
      prompter.close();
    }
  }

  #choices({ job, element }: JobFailed): Choice[] {
    const choices: Choice[] = ["continue", "quit", "terminate", "retry"];
    if (job.logFile !== undefined) choices.push("log");
    if (
      job.action === "build" &&
      element !== undefined &&
      this.#bench.states.of(element).artifact?.buildRoot !== undefined
    ) {
      choices.push("shell");
    }
    return choices;
  }

  async #openShell({ element }: JobFailed): Promise<void> {
    if (element === undefined) return;
    const subject = elementSubject(this.#bench, element);
    try {
      const root = buildTreeRoot(this.#bench, subject);
      const host = detectSandbox(this.#bench.caches.cas);
      await openShell(this.#context, this.#bench, subject, root, host, { command: [], isolate: true, mounts: [] });
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
      writeError(`No shell can be opened: ${error.message}\n`);
    }
  }
}

/** The choice that begins with what was typed. */
function choiceOf(answer: string, choices: readonly Choice[]): Choice {
  const [choice, second] = choices.filter((each) => each.startsWith(answer.toLowerCase()));
  if (choice !== undefined && second === undefined) return choice;
  throw new BstError("app", `'${answer}' is not one of ${choices.join(", ")}`);
}

function showLog(path: string): void {
  const pager = process.env["PAGER"] || "less";
  const { error } = spawnSync(pager, [path], { stdio: ["inherit", STDERR, "inherit"] });
  if (error !== undefined) writeError(readFileSync(path, "utf8"));
}
