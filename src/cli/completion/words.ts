/** Splits a line into words as a shell does, whether or not its quotes are closed. */

export function splitWords(line: string): string[] {
  const words: string[] = [];
  // A word is a run of quoted, escaped and plain characters.
  for (const [word] of line.matchAll(/(?:'[^']*(?:'|$)|"(?:\\.|[^"\\])*(?:"|\\?$)|\\.|\\$|[^\s'"\\])+/gs)) {
    words.push(word.replace(/'([^']*)(?:'|$)|"((?:\\.|[^"\\])*)(?:"|\\?$)|\\(.|$)/gs, unquote));
  }
  return words;
}

function unquote(_: string, single: string | undefined, double: string | undefined, escaped: string | undefined) {
  return single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? "";
}
