/** Text that somebody else wrote, made fit to be shown. */

/** Nobody else's text may control the terminal: of control characters only ends of lines and tabs stay. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "?");
}

/** As {@link harmless}, for what is to be a single line, and no line of another's making. */
export function harmlessLine(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
