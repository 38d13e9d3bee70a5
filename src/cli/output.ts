/** Standard output and error, written at once so that nothing is lost when the program ends. */
import { systemErrorCode } from "../base/errors.ts";
import { writeAll } from "../report/terminal.ts";

export const STDOUT = 1;
export const STDERR = 2;

/** Whoever read the output has gone: the command has nothing left to do, and nothing to complain about. */
class OutputClosed extends Error {}

/** @throws OutputClosed */
export function writeOutput(data: string | Uint8Array): void {
  try {
    writeAll(STDOUT, data);
  } catch (error) {
    throw isClosedOutput(error) ? new OutputClosed() : error;
  }
}

export function writeError(text: string): void {
  try {
    writeAll(STDERR, text);
  } catch (error) {
    if (!isClosedOutput(error)) throw error;
  }
}

/** Whether it is what a write to a pipe without readers gives, be it ours or that of a stream. */
export function isClosedOutput(error: unknown): boolean {
  return error instanceof OutputClosed || systemErrorCode(error) === "EPIPE";
}
