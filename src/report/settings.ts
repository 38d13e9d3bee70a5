/** What the user configuration's `logging` section, and options that override it, say about reports. */

export interface LogSettings {
  /** Digits of a cache key to show; 0 leaves the column out. */
  readonly keyLength: number;
  /** Show `status` messages, and the end of the log of a job that failed. */
  readonly verbose: boolean;
  readonly debug: boolean;
  /** Lines to show of the log of a job that failed. */
  readonly errorLines: number;
  /** Lines to show of a message's detail. */
  readonly messageLines: number;
  readonly elementFormat: string;
  readonly messageFormat: string;
  /** Folder of the jobs' log files; empty until it is known, and then no log files are written. */
  readonly logDirectory: string;
}

/** BuildStream's defaults. */
export const DEFAULT_LOG_SETTINGS: LogSettings = {
  keyLength: 8,
  verbose: true,
  debug: false,
  errorLines: 20,
  messageLines: 20,
  elementFormat: "%{state: >12} %{full-key} %{name} %{workspace-dirs}",
  messageFormat: "[%{elapsed}][%{key}][%{element}] %{action} %{message}",
  logDirectory: "",
};
