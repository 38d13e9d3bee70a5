/** The colours of reports, or none. */
import { styleText } from "node:util";

export type Format = Parameters<typeof styleText>[0];

/** Paints a text, or returns it as it is where colours are off. */
export type Paint = (format: Format, text: string) => string;

export interface Styles {
  readonly paint: Paint;
  /** Values. */
  content(text: string): string;
  /** What is around values: labels, brackets. */
  frame(text: string): string;
  heading(text: string): string;
  success(text: string): string;
  error(text: string): string;
  detail(text: string): string;
}

export function createStyles(colors: boolean): Styles {
  // The stream was looked at when colours were decided on; newer Node would look again.
  const paint: Paint = colors
    ? (format, text) => (text === "" ? "" : styleText(format, text, { validateStream: false }))
    : (_format, text) => text;
  return {
    paint,
    content: (text) => paint("yellow", text),
    frame: (text) => paint(["cyan", "dim"], text),
    heading: (text) => paint(["yellow", "bold"], text),
    success: (text) => paint("green", text),
    error: (text) => paint(["red", "dim"], text),
    detail: (text) => paint("dim", text),
  };
}
