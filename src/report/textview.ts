/** Events as BuildStream's text. */
import { harmless } from "../base/harmless.ts";
import type { CommandFailed, ReportEvent, SessionEnded } from "../base/messages.ts";
import { isShown } from "./columns.ts";
import { formatHeading } from "./heading.ts";
import { INDENT } from "./layout.ts";
import { LineRenderer } from "./line.ts";
import type { QueueState } from "./queues.ts";
import { DEFAULT_LOG_SETTINGS, type LogSettings } from "./settings.ts";
import { formatSummary } from "./summary.ts";

/** Turns events into what is written, which is nothing for some of them. */
export interface View {
  /** @throws LoadError invalid-data where formats have unknown variables */
  configure(settings: LogSettings): void;
  render(event: ReportEvent): string;
}

export class TextView implements View {
  readonly #state: QueueState;
  readonly #colors: boolean;
  #renderer: LineRenderer;
  /** What to print when the session ends, below its last message. */
  #summary: (() => string) | undefined;

  constructor(state: QueueState, colors: boolean) {
    this.#state = state;
    this.#colors = colors;
    this.#renderer = new LineRenderer(DEFAULT_LOG_SETTINGS, colors);
  }

  configure(settings: LogSettings): void {
    this.#renderer = new LineRenderer(settings, this.#colors);
  }

  render(event: ReportEvent): string {
    const renderer = this.#renderer;
    switch (event.type) {
      case "job-started":
      case "job-progress":
      case "job-ended":
      case "job-not-needed":
        return "";
      case "pipeline-started":
        return formatHeading(event, renderer.settings, renderer.styles, this.#colors);
      case "pipeline-ended":
        this.#summary = () => formatSummary(event, this.#state, renderer, this.#colors);
        return "";
      case "session-started":
        return renderer.render({ type: "start", text: event.name });
      case "session-ended":
        return this.#sessionEnded(event);
      case "command-failed":
        return this.#failed(event);
      default:
        return isShown(event, renderer.settings) ? renderer.render(event) : "";
    }
  }

  #sessionEnded({ name, outcome, elapsedMs }: SessionEnded): string {
    const message =
      outcome === "terminated"
        ? ({ type: "warn", text: `${name} Terminated`, elapsedMs } as const)
        : ({ type: outcome, text: name, elapsedMs } as const);
    return this.#renderer.render(message) + (this.#summary ? `\n${this.#summary()}` : "");
  }

  #failed({ text, detail, stack }: CommandFailed): string {
    const shown = stack === undefined ? harmless(text) : `\n\n${stack}`;
    const below = detail ? `\n${INDENT}${harmless(detail).replaceAll("\n", `\n${INDENT}`)}\n` : "";
    return `\n${shown}\n${below}`;
  }
}
