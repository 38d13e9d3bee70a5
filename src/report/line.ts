/** A message as text: its line, its detail, and the end of the log of a job that failed. */
import { harmless } from "../base/harmless.ts";
import type { Message } from "../base/messages.ts";
import { abbreviateLogFile, type Column, isFailure, parseMessageFormat } from "./columns.ts";
import { INDENT, indent, splitLines } from "./layout.ts";
import type { LogSettings } from "./settings.ts";
import { createStyles, type Styles } from "./style.ts";
import { readLastLines } from "./tail.ts";

const RULE = "=".repeat(70);

export class LineRenderer {
  readonly styles: Styles;
  readonly settings: LogSettings;
  readonly #columns: Column[];

  /** @throws LoadError invalid-data where the message format has unknown variables */
  constructor(settings: LogSettings, colors: boolean) {
    this.settings = settings;
    this.styles = createStyles(colors);
    this.#columns = parseMessageFormat(settings.messageFormat, settings, this.styles);
    if (settings.debug) {
      this.#columns.unshift(
        ({ element }) =>
          `${this.styles.frame("pid:")}${this.styles.content(String(process.pid).padEnd(8))}` +
          `${this.styles.frame("element:")}${this.styles.content((element ?? "n/a").padEnd(30))} `,
      );
    }
  }

  /** One or more whole lines. */
  render(given: Message, now = new Date()): string {
    const message = { ...given, text: harmless(given.text) };
    const blocks: string[] = [];
    if (message.detail) blocks.push(this.#detail(message, harmless(message.detail)));
    if (message.scheduler && message.type === "failure" && message.logFile !== undefined) {
      blocks.push(this.#log(message.logFile));
    }
    const block = blocks.join("");
    return `${this.#columns.map((column) => column(message, now)).join("")}\n${block}${block && "\n"}`;
  }

  #detail({ type, element }: Message, detail: string): string {
    const { styles, settings } = this;
    const failure = isFailure(type);
    let lines = splitLines(detail);
    let note = "";
    // Failures, and what the program says of itself, are never cut.
    if (!failure && element !== undefined && lines.length > settings.messageLines) {
      const omitted = lines.length - settings.messageLines;
      lines = lines.slice(0, settings.messageLines);
      if (lines.length === 0) return "";
      note = `${INDENT}${styles.paint(["yellow", "dim"], `Message contains ${omitted} additional lines`)}\n`;
    }
    const text = INDENT + lines.join(INDENT).replace(/\n+$/, "");
    return `\n${failure ? styles.paint(["red", "bold"], text) : styles.detail(text)}\n${note}`;
  }

  #log(path: string): string {
    const { styles, settings } = this;
    const shown = (name: string) => styles.error(name);
    if (!settings.verbose) {
      return `\n${INDENT}${shown("Log file: ")}${INDENT}${shown(abbreviateLogFile(path, settings.logDirectory))}\n`;
    }
    if (settings.errorLines <= 0) return "\n";
    const lines = readLastLines(path, settings.errorLines).join("\n");
    const rule = `${INDENT}${styles.error(RULE)}\n`;
    return (
      `\n${INDENT}${shown(`Printing the last ${settings.errorLines} lines from log file:`)}\n` +
      `${INDENT}${shown(path)}\n${rule}${styles.detail(indent(lines))}\n${rule}`
    );
  }
}
