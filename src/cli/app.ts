/** What a command gets to run with. */
import { resolve } from "node:path";
import { isatty } from "node:tty";
import { createReporter, type Reporter } from "../report/reporter.ts";
import type { LogSettings } from "../report/settings.ts";
import type { Interruption, TakeSignal } from "./interruption.ts";
import { STDERR, STDOUT, writeError, writeOutput } from "./output.ts";
import type { CommandName, OptionsOf } from "./spec/commands.ts";
import type { GlobalOptions } from "./spec/globals.ts";

export interface CommandContext {
  readonly globals: GlobalOptions;
  readonly cwd: string;
  /** Absolute path of the folder to look for the project in, or above. */
  readonly directory: string;
  /** Whether there is somebody to ask. */
  readonly interactive: boolean;
  readonly colors: boolean;
  /** Takes what the stages report; to be told of the user configuration's `logging` by `configure`. */
  readonly reporter: Reporter;
  /** Aborted when the user interrupts the program. */
  readonly signal: AbortSignal;
  /** Leaves terminal and Ctrl-C to somebody else, until what is returned is called; messages can wait for that. */
  lendTerminal(options?: { readonly holdMessages?: boolean; readonly takeSignal?: TakeSignal }): () => void;
  /**
   * Writes a line to the standard output, after all that was reported.
   * @throws OutputClosed, which ends the program quietly
   */
  print(text: string): void;
  /** Writes a line to the standard error, past the log. */
  printError(text: string): void;
  /** Does something when the command has ended, however it did. */
  atEnd(step: () => void): void;
  /** Does what {@link atEnd} was told. */
  end(): void;
}

type Interruptions = Pick<Interruption, "signal" | "lendTerminal">;

/**
 * What a file of `commands/` exports as `run`: it returns the exit status, or nothing for success.
 * It throws BstError for whatever a user can cause.
 */
export type Run<Name extends CommandName> = (
  context: CommandContext,
  options: OptionsOf<Name>,
) => Promise<number | undefined> | number | undefined;

export function createContext(globals: GlobalOptions, interruption: Interruptions): CommandContext {
  const { NO_COLOR, TERM } = process.env;
  const terminal = isatty(STDOUT) && isatty(STDERR);
  // Of one that only prints, nothing can be erased.
  const live = terminal && TERM !== "dumb";
  const colors = globals.colors ?? (live && !NO_COLOR);
  const cwd = process.cwd();
  const steps: (() => void)[] = [];
  const reporter = createReporter({
    fd: STDERR,
    format: globals.logFormat,
    colors,
    live,
    overrides: overrides(globals),
    ...(globals.logFile !== undefined && { mainLog: resolve(globals.logFile) }),
  });
  return {
    globals,
    cwd,
    directory: resolve(globals.directory ?? cwd),
    interactive: terminal && isatty(0) && !globals.noInteractive,
    colors,
    reporter,
    signal: interruption.signal,
    lendTerminal: (options) => {
      const resume = reporter.suspend(options);
      const takeBack = interruption.lendTerminal(options?.takeSignal);
      return () => {
        takeBack();
        resume();
      };
    },
    atEnd: (step) => steps.push(step),
    end: () => {
      for (const step of steps.splice(0)) step();
    },
    print: (text) => {
      reporter.flush();
      writeOutput(`${text}\n`);
    },
    printError: (text) => {
      reporter.flush();
      writeError(`${text}\n`);
    },
  };
}

function overrides({ verbose, debug, errorLines, messageLines }: GlobalOptions): Partial<LogSettings> {
  return {
    ...(verbose !== undefined && { verbose }),
    ...(debug !== undefined && { debug }),
    ...(errorLines !== undefined && { errorLines }),
    ...(messageLines !== undefined && { messageLines }),
  };
}
