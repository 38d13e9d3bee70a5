/** What the stages report: plain data, emitted where work happens, shown by `src/report/`. */

/** The same set, and the same meaning, as the action column of BuildStream's log lines. */
export type MessageType =
  | "debug"
  | "status"
  | "info"
  | "warn"
  | "error"
  | "bug"
  | "log"
  | "start"
  | "success"
  | "failure"
  | "skipped";

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
}

export interface Messenger {
  emit(message: Message): void;
}
