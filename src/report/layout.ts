/** Blocks of text in headings, summaries and details. */
import type { Styles } from "./style.ts";

export const INDENT = "    ";

/** Puts a prefix before each line that is not blank. */
export function indent(text: string, prefix = INDENT): string {
  return text.replace(/^(?=.*\S)/gm, prefix);
}

/** The text's lines, each with its line end. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

export interface ValuesOptions {
  /** How many times to indent. */
  readonly depth?: number;
  /** Paint labels as values are. */
  readonly labelAsContent?: boolean;
  /** The values have their colours already. */
  readonly painted?: boolean;
}

/** `Label: value` lines with the values aligned; a value of several lines begins below its label. */
export function formatValues(
  values: Iterable<readonly [string, string | number]>,
  styles: Styles,
  { depth = 1, labelAsContent = false, painted = false }: ValuesOptions = {},
): string {
  const rows = [...values];
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  const prefix = INDENT.repeat(depth);
  let text = "";
  for (const [label, raw] of rows) {
    const value = String(raw);
    text += prefix + (labelAsContent ? styles.content(label) : styles.frame(label)) + styles.frame(":");
    text += value.includes("\n")
      ? `\n${indent(value, prefix)}`
      : ` ${" ".repeat(width - label.length)}${painted ? value : styles.content(value)}\n`;
  }
  return text;
}

/** One `* value` line each. */
export function formatList(values: readonly string[], styles: Styles, depth = 1): string {
  const prefix = INDENT.repeat(depth);
  return values
    .map(
      (value) =>
        `${styles.frame(`${prefix.slice(0, -2)}* `)}${styles.content(value.trim().replaceAll("\n", `\n${prefix}`))}\n`,
    )
    .join("");
}
