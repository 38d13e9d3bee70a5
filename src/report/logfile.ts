/** Log files of jobs: `<logdir>/<project>/<element>/<key>-<action>.<time>.log`, with one line for each message. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { JobDescription, Message } from "../base/messages.ts";
import { BUILDSTREAM_VERSION } from "../base/version.ts";
import { actionName } from "./columns.ts";
import { INDENT } from "./layout.ts";
import { formatDate, formatDuration, formatTimestamp } from "./time.ts";

export class JobLog {
  readonly path: string;
  /** Open for appending, so that commands may write to it as well. */
  readonly fd: number;

  /** @throws BstError where the file cannot be written */
  constructor(logDirectory: string, { action, key, log }: JobDescription, now = new Date()) {
    const name = `${key.brief}-${action}.${formatTimestamp(now)}.log`;
    this.path = join(logDirectory, log?.project ?? "", log?.normalName ?? "", name);
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      this.fd = openSync(this.path, "a");
      this.#write(`BuildStream ${BUILDSTREAM_VERSION} - ${formatDate(now)}\n`);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new BstError("stream", `Cannot write the log file ${this.path}`, { detail, cause: error });
    }
  }

  record(message: Message): void {
    this.#write(`${formatRecord(message)}\n`);
  }

  close(): void {
    closeSync(this.fd);
  }

  #write(text: string): void {
    writeSync(this.fd, text);
  }
}

/** `[00:00:01] SUCCESS [c0ffee00] element.bst: Staging sources`, and the detail below it. */
function formatRecord({ type, text, detail, element, key, elapsedMs }: Message): string {
  const elapsed = type === "success" || type === "failure" ? elapsedMs : undefined;
  const about = (key ? ` [${key.brief}]` : "") + (element === undefined ? "" : ` ${element}`);
  const below = detail === undefined ? "" : `\n\n${INDENT}${detail.trimEnd().replaceAll("\n", `\n${INDENT}`)}`;
  return `[${formatDuration(elapsed)}] ${actionName(type)}${about}: ${text}${below}`;
}
