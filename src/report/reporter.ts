/** Takes the events of a command and shows them: on the terminal, in the main log, as JSON lines. */
import { closeSync, openSync, writeSync } from "node:fs";
import { BstError } from "../base/errors.ts";
import type { EventSink, JobDescription, JobMessenger, ReportEvent, TaskError } from "../base/messages.ts";
import { startJob } from "./job.ts";
import { JsonView } from "./jsonview.ts";
import { ProgressLines } from "./progress-lines.ts";
import { QueueState } from "./queues.ts";
import { DEFAULT_LOG_SETTINGS, type LogSettings } from "./settings.ts";
import { Status } from "./status.ts";
import { createStyles } from "./style.ts";
import { Terminal } from "./terminal.ts";
import { TextView, type View } from "./textview.ts";

export interface ReporterOptions {
  /** Descriptor to write to: that of stderr in the program. */
  readonly fd: number;
  readonly format: "text" | "json";
  readonly colors: boolean;
  /** Whether the descriptor is a terminal, to draw status lines on. */
  readonly live: boolean;
  /** What the command line says, which goes before what the user configuration says. */
  readonly overrides?: Partial<LogSettings>;
  /** Path of a file that gets the text as well, without colours. */
  readonly mainLog?: string;
}

export interface Reporter extends EventSink {
  /**
   * Takes over the `logging` section of the user configuration, once it was read.
   * @throws LoadError invalid-data where its formats have unknown variables
   */
  configure(settings: Partial<LogSettings>): void;
  readonly settings: LogSettings;
  /** Domain and reason of the failure of the last job that failed. */
  readonly lastTaskError: TaskError | undefined;
  /** Why some of what was reported could not be written, where somebody was to read it. */
  readonly failure: BstError | undefined;
  /** Writes what is pending, so that what is written past the reporter comes after it. */
  flush(): void;
  /** Leaves the terminal to somebody else until what is returned is called; what is emitted meanwhile can wait for that. */
  suspend(options?: { readonly holdMessages?: boolean }): () => void;
  finish(): void;
}

export function createReporter(options: ReporterOptions): Reporter {
  return new CommandReporter(options);
}

class CommandReporter implements Reporter {
  settings: LogSettings;
  readonly #overrides: Partial<LogSettings>;
  readonly #state = new QueueState();
  readonly #status: Status | undefined;
  /** In the place of status lines. */
  readonly #progressLines: ProgressLines | undefined;
  readonly #terminal: Terminal;
  readonly #view: View;
  readonly #mainLog: { readonly view: View; readonly file: LogFile } | undefined;
  /** Keeps the times on the status lines going while nothing else happens. */
  #clock: NodeJS.Timeout | undefined;

  constructor({ fd, format, colors, live, overrides = {}, mainLog }: ReporterOptions) {
    this.#overrides = overrides;
    if (live && format === "text") this.#status = new Status(this.#state, createStyles(colors));
    else if (format === "text") this.#progressLines = new ProgressLines();
    this.#terminal = new Terminal(fd, this.#status);
    this.#view = format === "json" ? new JsonView() : new TextView(this.#state, colors);
    if (mainLog !== undefined) this.#mainLog = { view: new TextView(this.#state, false), file: new LogFile(mainLog) };
    this.settings = DEFAULT_LOG_SETTINGS;
    this.configure({});
  }

  get lastTaskError(): TaskError | undefined {
    return this.#state.lastTaskError;
  }

  get failure(): BstError | undefined {
    return this.#terminal.failure;
  }

  configure(settings: Partial<LogSettings>): void {
    this.settings = { ...this.settings, ...settings, ...this.#overrides };
    this.#view.configure(this.settings);
    this.#mainLog?.view.configure(this.settings);
  }

  emit(event: ReportEvent): void {
    this.#state.handle(event);
    const text = this.#view.render(event);
    if (text !== "") this.#terminal.write(text);
    this.#mainLog?.file.write(this.#mainLog.view.render(event));
    if (this.#status?.handle(event)) this.#statusChanged(this.#status);
    const told = this.#progressLines?.handle(event);
    if (told !== undefined) this.emit(told);
  }

  startJob(description: JobDescription): JobMessenger {
    return startJob(description, this.settings.logDirectory, (event) => this.emit(event));
  }

  flush(): void {
    this.#terminal.flush();
  }

  suspend({ holdMessages = false } = {}): () => void {
    this.#terminal.suspend(holdMessages);
    return () => this.#terminal.resume();
  }

  finish(): void {
    clearInterval(this.#clock);
    this.#terminal.flush();
    this.#mainLog?.file.close();
  }

  #statusChanged(status: Status): void {
    this.#terminal.refresh();
    if (status.running) this.#clock ??= setInterval(() => this.#terminal.refresh(), 250).unref();
    else {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }
}

/** The main log: created, and emptied, when there is something to write. */
class LogFile {
  readonly #path: string;
  #fd: number | undefined;
  #broken = false;

  constructor(path: string) {
    this.#path = path;
  }

  write(text: string): void {
    if (text === "" || this.#broken) return;
    try {
      this.#fd ??= openSync(this.#path, "w");
      writeSync(this.#fd, text);
    } catch (error) {
      this.#broken = true; // The report of this failure comes here as well.
      const detail = error instanceof Error ? error.message : String(error);
      throw new BstError("app", `Cannot write the main log ${this.#path}`, { detail, cause: error });
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
