/** How a command that fails ends: its exit status, and the error record for other programs. */
import { writeFileSync } from "node:fs";
import { BstError } from "../base/errors.ts";
import type { TaskError } from "../base/messages.ts";
import { VERSION } from "../base/version.ts";
import { writeError } from "./output.ts";

export const EXIT = {
  success: 0,
  /** Nobody reads the output any more. */
  closed: 1,
  usage: 2,
  /** What BuildStream ends with, whatever it reports. */
  failure: 255,
} as const;

/**
 * Writes the record that BST_TS_ERROR_FILE asks for.
 * @param task what made the last job fail that failed
 */
export function writeErrorRecord(error: unknown, task?: TaskError): void {
  const { BST_TS_ERROR_FILE: path } = process.env;
  if (!path) return;
  const message = error instanceof Error ? error.message : String(error);
  const record =
    error instanceof BstError
      ? { domain: error.domain, reason: error.reason, message, detail: error.detail ?? null, task: task ?? null }
      : { unhandled: true, message };
  try {
    writeFileSync(path, `${JSON.stringify(record)}\n`);
  } catch (failure) {
    // What went wrong before matters more, and was reported already.
    writeError(`Cannot write the error record: ${failure instanceof Error ? failure.message : failure}\n`);
  }
}

/** What is printed of an exception that nothing was prepared for. */
export function describeBug(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    `\nBUG: ${stack}\n\n` +
    `This is a mistake in bst-ts ${VERSION} and not in your project. Please report it to its issue tracker,\n` +
    "with the lines above, the command and, if you can, a project that shows it.\n"
  );
}
