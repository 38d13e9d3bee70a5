/** White space around values: texts of files have none, and what variables leave goes where BuildStream copies nodes. */
import type { Node } from "./node.ts";

// Python's str.strip(), which the format's values went through, and which differs from trim() in a few characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: four control characters count as white space there.
const LEADING = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const TRAILING = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/** A scalar's value as the format has it: without white space around it. */
export function strip(text: string): string {
  return text.replace(LEADING, "").replace(TRAILING, "");
}

/** The same tree without white space around its values; what has none is shared. */
export function stripped<T extends Node>(node: T): T;
export function stripped(node: Node): Node {
  switch (node.type) {
    case "scalar":
      return node.withValue(strip(node.value));
    case "sequence": {
      const items = node.items.map((item) => stripped(item));
      return items.some((item, index) => item !== node.items[index]) ? node.withItems(items) : node;
    }
    case "mapping": {
      const entries = new Map([...node.entries].map(([key, value]) => [key, stripped(value)]));
      return [...entries].some(([key, value]) => value !== node.get(key)) ? node.withEntries(entries) : node;
    }
  }
}
