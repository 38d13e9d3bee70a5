/** Standard output and error, written at once so that nothing is lost when the program ends. */
import { BstError, systemErrorCode } from "../base/errors.ts";
import { writeAll } from "../base/output-file.ts";

export const STDOUT = 1;
export const STDERR = 2;

/** What stands for the standard output where a file is named. */
export const STANDARD_OUTPUT = "-";

/** Whoever read the output has gone: the command has nothing left to do, and nothing to complain about. */
class OutputClosed extends Error {}

/** @throws OutputClosed; BstError domain app, where there is no room for it */
export function writeOutput(data: string | Uint8Array): void {
  try {
    writeAll(STDOUT, typeof data === "string" ? Buffer.from(data) : data);
  } catch (error) {
    if (isClosedOutput(error)) throw new OutputClosed();
    if (systemErrorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new BstError("app", `The standard output cannot be written: ${why}`, {
      reason: "output-not-written",
      cause: error,
    });
  }
}

/** What cannot be written there can't be told anybody. */
export function writeError(text: string): void {
  try {
    writeAll(STDERR, Buffer.from(text));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** Whether it is what a write to a pipe without readers gives, be it ours or that of a stream. */
export function isClosedOutput(error: unknown): boolean {
  return error instanceof OutputClosed || systemErrorCode(error) === "EPIPE";
}
