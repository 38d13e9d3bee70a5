/** Formats of elements: BuildStream's `element-format` and `show --format`, with Python's alignment of text. */
import { BstError } from "../base/errors.ts";
import { ELEMENT_SYMBOLS, type ElementSymbol, type ElementView } from "../base/messages.ts";
import { createStyles, type Format, type Paint } from "./style.ts";

export interface ElementFormat {
  /** What the format names, so that nothing else needs to be found out. */
  readonly symbols: ReadonlySet<ElementSymbol>;
  /** The text for one element, without a line end of its own. */
  render(element: ElementView, colors: boolean): string;
}

/**
 * @param format text with `%{symbol}` or `%{symbol: >12}`; a `%{…}` that is no symbol stays as it is
 * @throws BstError where the alignment is not one that Python's format() has for text
 */
export function parseElementFormat(format: string): ElementFormat {
  const symbols = new Set<ElementSymbol>();
  const parts: ((element: ElementView, paint: Paint) => string)[] = [];
  let literalFrom = 0;
  const literal = (to: number) => {
    const text = format.slice(literalFrom, to);
    if (text !== "") parts.push(() => text);
  };
  for (const match of format.matchAll(/%\{([a-z-]+)(?:!s)?(?::([^%}]*))?\}/g)) {
    const symbol = ELEMENT_SYMBOLS.find((name) => name === match[1]);
    if (symbol === undefined) continue;
    literal(match.index);
    literalFrom = match.index + match[0].length;
    symbols.add(symbol);
    const align = parseAlignment(match[2] ?? "");
    parts.push((element, paint) => {
      const value = element.value(symbol);
      return paint(color(symbol, value, element.strictKey), align(value));
    });
  }
  literal(format.length);

  const [painted, plain] = [createStyles(true).paint, createStyles(false).paint];
  return {
    symbols,
    render: (element, colors) => parts.map((part) => part(element, colors ? painted : plain)).join(""),
  };
}

/** Python's format specification for text: `[[fill]align][width][.precision]`. */
function parseAlignment(specification: string): (text: string) => string {
  const match = /^(?:(.?)([<>^]))?(0?)(\d*)(?:\.(\d+))?s?$/su.exec(specification);
  if (match === null) throw new BstError("app", `Cannot align text by '${specification}' in an element format`);
  const [, fill, side = "<", zero, width, precision] = match;
  const character = fill || (zero ? "0" : " ");
  return (text) => {
    const characters = [...text];
    const cut = precision === undefined ? characters : characters.slice(0, Number(precision));
    const missing = Math.max(0, Number(width) - cut.length);
    const before = side === ">" ? missing : side === "^" ? Math.floor(missing / 2) : 0;
    return character.repeat(before) + cut.join("") + character.repeat(missing - before);
  };
}

const STATE_COLORS: Record<string, Format> = {
  "no reference": "red",
  "fetch needed": "red",
  failed: "red",
  junction: "magenta",
  cached: "magenta",
  waiting: "blue",
  buildable: "green",
};

function color(symbol: ElementSymbol, value: string, strictKey: boolean): Format {
  switch (symbol) {
    case "name":
      return ["blue", "bold"];
    case "kind":
      return "cyan";
    case "key":
    case "full-key":
    case "description":
      return strictKey ? "yellow" : ["yellow", "dim"];
    case "workspaced":
      return "yellow";
    case "state":
      return STATE_COLORS[value] ?? [];
    default:
      return [];
  }
}
