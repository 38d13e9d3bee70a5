/** What is printed when the scheduler has stopped: changed keys, failures, and what each queue did. */
import type { PipelineEnded } from "../base/messages.ts";
import { parseElementFormat } from "./elementformat.ts";
import { formatValues } from "./layout.ts";
import type { LineRenderer } from "./line.ts";
import { type QueueState, queueTitle } from "./queues.ts";

export function formatSummary(
  event: PipelineEnded,
  state: QueueState,
  renderer: LineRenderer,
  colors: boolean,
): string {
  const { styles, settings } = renderer;
  let text = "";

  if (event.changed.length > 0) {
    const format = parseElementFormat(settings.elementFormat);
    const lines = event.changed.map((element) => format.render(element, colors));
    text += `${styles.heading("Resolved key Summary")}\n${lines.join("\n")}\n\n`;
  }

  const failures = state.failures().map(([element, message]) => [element, renderer.render(message)] as const);
  if (failures.length > 0) {
    text += `${styles.heading("Failure Summary")}\n${formatValues(failures, styles, { painted: true })}`;
  }

  const rows: [string, string][] = [
    ["Total", styles.content(String(event.total))],
    ["Session", styles.content(String(event.session))],
  ];
  const counts = [...state.queues.values()].map(({ processed, skipped, failed }) => [
    processed,
    skipped,
    failed.length,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(1, ...counts.map((row) => String(row[column]).length)));
  for (const [action, { processed, skipped, failed }] of state.queues) {
    const after = (column: number, value: number) => " ".repeat((widths[column] ?? 1) - String(value).length);
    const cell = (label: string, value: string) => `${styles.content(label)} ${value}`;
    const comma = styles.frame(",");
    rows.push([
      `${queueTitle(action)} Queue`,
      `${cell("processed", styles.success(String(processed)))}${comma} ${after(0, processed)}` +
        `${cell("skipped", styles.content(String(skipped)))}${comma} ${after(1, skipped)}` +
        `${cell("failed", styles.error(String(failed.length)))} ${after(2, failed.length)}`,
    ]);
  }
  return `${text}${styles.heading("Pipeline Summary")}\n${formatValues(rows, styles, { painted: true })}`;
}
