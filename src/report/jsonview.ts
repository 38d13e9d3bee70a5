/** Events as JSON, one object a line: `time`, and the event as it is, elements written out. */
import { type ElementView, isMessage, type ReportEvent } from "../base/messages.ts";
import { isShown } from "./columns.ts";
import { DEFAULT_LOG_SETTINGS, type LogSettings } from "./settings.ts";
import type { View } from "./textview.ts";

export class JsonView implements View {
  #settings = DEFAULT_LOG_SETTINGS;

  configure(settings: LogSettings): void {
    this.#settings = settings;
  }

  render(event: ReportEvent): string {
    if (isMessage(event) && !isShown(event, this.#settings)) return "";
    return `${JSON.stringify({ time: new Date().toISOString(), ...event }, describeElements)}\n`;
  }
}

function describeElements(key: string, value: unknown): unknown {
  if ((key !== "elements" && key !== "changed") || !Array.isArray(value)) return value;
  return value.map((element: ElementView) => ({
    name: element.value("name"),
    key: element.value("full-key"),
    state: element.value("state"),
  }));
}
