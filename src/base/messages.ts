/** What the stages report: plain data, emitted where work happens, shown by `src/report/`. */

/** The same set, and the same meaning, as the action column of BuildStream's log lines. */
const MESSAGE_TYPES = [
  "debug",
  "status",
  "info",
  "warn",
  "error",
  "bug",
  "log",
  "start",
  "success",
  "failure",
  "skipped",
] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

/** A key as shown to people. */
export interface DisplayKey {
  /** 64 hexadecimal digits, or 64 question marks where the key is not known yet. */
  readonly full: string;
  /** The first digits, as many as the user configuration's `key-length` says. */
  readonly brief: string;
  /** Whether it equals the strict key; a build in non-strict mode may have another. */
  readonly strict: boolean;
}

export interface Message {
  readonly type: MessageType;
  readonly text: string;
  readonly detail?: string;
  /** The job that reports: `main`, `fetch`, `build`, `track`, `pull`, `push`, … */
  readonly task?: string;
  /** Full name of the element that it is about. */
  readonly element?: string;
  readonly key?: DisplayKey;
  /** Milliseconds since the activity began, on `success`, `failure` and `skipped`. */
  readonly elapsedMs?: number;
  /** Path of the job's log file, on the job's own `start` and end. */
  readonly logFile?: string;
  /** Set on messages of the scheduler itself: start and end of whole jobs. */
  readonly scheduler?: boolean;
  /** The job that the message came from, whose element may be another than `element`; set by `JobMessenger`. */
  readonly job?: Job;
  /** Recorded in the job's log file; shown only if it is an `info`, or tells of something wrong. */
  readonly silenced?: boolean;
}

export interface Messenger {
  emit(message: Message): void;
}

/** One element's turn in one queue. */
export interface Job {
  /** Unique in the process. */
  readonly id: number;
  /** The queue, in lower case: `track`, `pull`, `fetch`, `build`, `push`, `src-push`, `cache-query`. */
  readonly action: string;
  /** Full name of the element. */
  readonly element: string;
  readonly key?: DisplayKey;
  readonly logFile?: string;
}

type JobOutcome = "processed" | "skipped" | "failed" | "retried" | "terminated";

interface JobStarted {
  readonly type: "job-started";
  readonly job: Job;
}

export interface JobProgress {
  readonly type: "job-progress";
  readonly job: Job;
  readonly current: number;
  readonly maximum?: number;
  /** Of both; default steps. */
  readonly unit?: "bytes";
}

interface JobEnded {
  readonly type: "job-ended";
  readonly job: Job;
  readonly outcome: JobOutcome;
  readonly elapsedMs: number;
  /** Domain and reason of the failure: what an error record calls `task`. */
  readonly error?: TaskError;
}

export interface TaskError {
  readonly domain: string;
  readonly reason: string | null;
}

/** An element passed a queue that had nothing to do for it, so there was no job. */
interface JobNotNeeded {
  readonly type: "job-not-needed";
  readonly action: string;
  readonly element: string;
}

/** The symbols of BuildStream's `element-format` and of `show --format`. */
export const ELEMENT_SYMBOLS = [
  "name",
  "kind",
  "key",
  "full-key",
  "description",
  "state",
  "config",
  "vars",
  "env",
  "public",
  "workspaced",
  "workspace-dirs",
  "deps",
  "build-deps",
  "runtime-deps",
  "source-info",
  "artifact-cas-digest",
] as const;

export type ElementSymbol = (typeof ELEMENT_SYMBOLS)[number];

/** An element as a format shows it; only the symbols that the format names are asked for. */
export interface ElementView {
  readonly strictKey: boolean;
  value(symbol: ElementSymbol): string;
}

/** What BuildStream prints of one loaded project above the pipeline. */
export interface ProjectHeading {
  readonly name: string;
  /** Full name of the junction it was loaded through. */
  readonly junction?: string;
  /** Where that junction is, as `file [line L column C]`. */
  readonly provenance?: string;
  readonly duplicates?: readonly string[];
  readonly internal?: readonly string[];
  /** Option → value. */
  readonly options?: Readonly<Record<string, string>>;
  /** Kind → where it comes from (`core plugin`, …). */
  readonly elementPlugins?: Readonly<Record<string, string>>;
  readonly sourcePlugins?: Readonly<Record<string, string>>;
  readonly artifactCaches?: readonly string[];
  readonly sourceCaches?: readonly string[];
}

/** A command that builds, fetches, … begins, before anything is loaded. */
interface SessionStarted {
  readonly type: "session-started";
  /** `Build`, `Fetch`, `Track`, `Pull`, `Push`. */
  readonly name: string;
}

export interface SessionEnded {
  readonly type: "session-ended";
  readonly name: string;
  readonly outcome: "success" | "failure" | "terminated";
  readonly elapsedMs: number;
}

/** The scheduler is about to run: what will be done, to which elements, under which settings. */
export interface PipelineStarted {
  readonly type: "pipeline-started";
  /** Actions in the order in which an element passes them. */
  readonly queues: readonly string[];
  /** Name and folder of the toplevel project. */
  readonly project?: { readonly name: string; readonly directory: string };
  readonly targets: readonly string[];
  /** Label → value, as shown: cache folder, number of builders, … */
  readonly configuration: Readonly<Record<string, string | number>>;
  readonly remoteExecution?: Readonly<Record<string, string>>;
  readonly projects: readonly ProjectHeading[];
  /** All elements of the pipeline in staging order. */
  readonly elements: readonly ElementView[];
}

/** The scheduler has stopped, whether or not jobs failed. */
export interface PipelineEnded {
  readonly type: "pipeline-ended";
  /** How many elements the pipeline has, and how many of these the session was about. */
  readonly total: number;
  readonly session: number;
  /** Elements whose key was not known, or another, when the pipeline started. */
  readonly changed: readonly ElementView[];
}

/** What ended the command. */
export interface CommandFailed {
  readonly type: "command-failed";
  readonly domain: string;
  readonly reason: string | null;
  readonly text: string;
  readonly detail?: string;
  /** Only where debugging messages are wanted; then it is shown in place of the text. */
  readonly stack?: string;
}

/** All that reaches the reporters, told apart by `type`. */
export type ReportEvent =
  | Message
  | JobStarted
  | JobProgress
  | JobEnded
  | JobNotNeeded
  | SessionStarted
  | SessionEnded
  | PipelineStarted
  | PipelineEnded
  | CommandFailed;

export function isMessage(event: ReportEvent): event is Message {
  return MESSAGE_TYPES.some((type) => type === event.type);
}

/** How a job ended; `error` may be anything that was thrown, and is a bug unless it is a `BstError`. */
export type JobResult =
  | { readonly outcome: "processed" }
  | { readonly outcome: "skipped"; readonly text: string }
  | { readonly outcome: "failed"; readonly error: unknown }
  | { readonly outcome: "retried"; readonly attempt: number; readonly error: unknown }
  | { readonly outcome: "terminated" };

/** One running job: what is emitted here carries the job's element and goes to its log file as well. */
export interface JobMessenger extends Messenger {
  readonly job: Job;
  /** Descriptor of the log file, open for appending, to be given to commands as stdout and stderr. */
  readonly logFd: number | undefined;
  /** Bytes are told a few times a second at most, however often this is called. */
  progress(current: number, maximum?: number, unit?: "bytes"): void;
  /** Reports how it ended, and closes the log file. */
  end(result: JobResult): void;
}

export interface JobDescription {
  readonly action: string;
  readonly element: string;
  readonly key: DisplayKey;
  /** The element's project and its name without folders and suffix, which name the log file; none without them. */
  readonly log?: { readonly project: string; readonly normalName: string };
}

/** Where the scheduler reports to. */
export interface EventSink extends Messenger {
  emit(event: ReportEvent): void;
  startJob(description: JobDescription): JobMessenger;
}
