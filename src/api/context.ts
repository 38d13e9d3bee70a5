/** Lets the functions that commands are made of run within another program: nothing is printed, events go to that. */
import { resolve } from "node:path";
import type { ReportEvent } from "../base/messages.ts";
import type { CommandContext } from "../cli/app.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { startJob } from "../report/job.ts";
import { JsonView } from "../report/jsonview.ts";
import type { Reporter } from "../report/reporter.ts";
import { DEFAULT_LOG_SETTINGS } from "../report/settings.ts";
import type { Options } from "./types.ts";

export interface ApiContext extends CommandContext, Disposable {
  /** What jobs failed with: `element: message`. */
  readonly failures: readonly string[];
}

/** @param directory absolute path of the project's folder */
export function contextIn(directory: string, options: Options): ApiContext {
  const parsed = parseCommandLine(["--no-interactive", "show"]);
  if (parsed.kind !== "run") throw new Error("The command line is not what it was");
  const { config, strict } = options;
  const steps: (() => void)[] = [];
  const failures: string[] = [];
  const end = () => {
    for (const step of steps.splice(0)) step();
  };
  return {
    globals: {
      ...parsed.globals,
      ...(config !== undefined && { config: resolve(config) }),
      ...(strict !== undefined && { strict }),
      option: Object.entries(options.options ?? {}),
    },
    cwd: directory,
    directory,
    interactive: false,
    colors: false,
    reporter: reporterFor(options.onEvent, (failure) => failures.push(failure)),
    signal: options.signal ?? new AbortController().signal,
    lendTerminal: () => () => {},
    print: () => {},
    printError: () => {},
    atEnd: (step) => steps.push(step),
    end,
    failures,
    [Symbol.dispose]: end,
  };
}

function reporterFor(onEvent: Options["onEvent"], onFailure: (text: string) => void): Reporter {
  const view = new JsonView();
  const emit = (event: ReportEvent) => {
    const line = onEvent === undefined ? "" : view.render(event);
    if (line !== "") onEvent?.(JSON.parse(line));
  };
  let settings = DEFAULT_LOG_SETTINGS;
  return {
    get settings() {
      return settings;
    },
    configure(changed) {
      settings = { ...settings, ...changed };
      view.configure(settings);
    },
    emit,
    startJob(description) {
      const job = startJob(description, settings.logDirectory, emit);
      return {
        ...job,
        end(result) {
          if (result.outcome === "failed") onFailure(`${description.element}: ${textOf(result.error)}`);
          job.end(result);
        },
      };
    },
    lastTaskError: undefined,
    failure: undefined,
    flush() {},
    suspend: () => () => {},
    finish() {},
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
