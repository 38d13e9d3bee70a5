/** The messenger of one running job. */
import { BstError } from "../base/errors.ts";
import type {
  Job,
  JobDescription,
  JobMessenger,
  JobResult,
  Message,
  ReportEvent,
  TaskError,
} from "../base/messages.ts";
import { JobLog } from "./logfile.ts";
import { queueTitle } from "./queues.ts";

const BYTES_EVERY_MS = 200;

let lastId = 0;

/**
 * Opens the job's log file, if it shall have one, and reports that the job starts.
 * @param report where what the job says goes, besides its log file
 * @throws BstError where the log file cannot be written
 */
export function startJob(
  description: JobDescription,
  logDirectory: string,
  report: (event: ReportEvent) => void,
): JobMessenger {
  const began = performance.now();
  const log = description.log && logDirectory !== "" ? new JobLog(logDirectory, description) : undefined;
  const { action, element, key } = description;
  const job: Job = { id: ++lastId, action, element, key, ...(log && { logFile: log.path }) };

  const emit = (message: Message) => {
    log?.record(message);
    report({ task: action, ...message, job });
  };
  const emitAboutJob = (message: Message) =>
    emit({ element, key, scheduler: true, ...(log && { logFile: log.path }), ...message });

  let toldAt = Number.NEGATIVE_INFINITY;
  report({ type: "job-started", job });
  emitAboutJob({ type: "start", text: queueTitle(action) });
  return {
    job,
    logFd: log?.fd,
    emit,
    progress: (current, maximum, unit) => {
      const now = performance.now();
      if (unit === "bytes" && now - toldAt < BYTES_EVERY_MS) return;
      toldAt = now;
      report({ type: "job-progress", job, current, ...(maximum !== undefined && { maximum }), ...(unit && { unit }) });
    },
    end: (result) => {
      const elapsedMs = performance.now() - began;
      emitAboutJob(describe(result, action, elapsedMs));
      log?.close();
      const error = taskError(result);
      report({ type: "job-ended", job, outcome: result.outcome, elapsedMs, ...(error && { error }) });
    },
  };
}

function describe(result: JobResult, action: string, elapsedMs: number): Message {
  switch (result.outcome) {
    case "processed":
      return { type: "success", elapsedMs, text: queueTitle(action) };
    case "skipped":
      return { type: "skipped", elapsedMs, text: result.text };
    case "retried":
      return { type: "failure", elapsedMs, text: `Try #${result.attempt} failed, retrying` };
    case "terminated":
      return { type: "info", text: "Job terminated" };
    case "failed": {
      const { error } = result;
      if (error instanceof BstError) {
        return {
          type: "failure",
          elapsedMs,
          text: error.message,
          ...(error.detail !== undefined && { detail: error.detail }),
        };
      }
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return {
        type: "bug",
        elapsedMs,
        text: queueTitle(action),
        detail: `An exception that nothing handles:\n\n${stack}`,
      };
    }
  }
}

function taskError(result: JobResult): TaskError | undefined {
  if (result.outcome !== "failed" && result.outcome !== "retried") return undefined;
  const { error } = result;
  return error instanceof BstError ? { domain: error.domain, reason: error.reason } : undefined;
}
