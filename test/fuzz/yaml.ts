/** Random YAML texts, of all styles and with all mistakes: the same seed makes the same text. */
import { Random } from "../oracle/random.ts";
import { mutateText } from "./mutate.ts";

type Lines = readonly string[];

const words: readonly [string, ...string[]] = [
  ...([
    "a",
    "b-c",
    "x.y",
    "two words",
    "v%{v}",
    "http://x:80/#y",
    "a#b",
    "a:b",
    "-e",
    "?f",
    ":g",
    "x ",
    "it's",
  ] as const),
  ...[
    "1",
    "0",
    "-1",
    "007",
    "0x1f",
    "1_000",
    "1.50",
    ".inf",
    "1e3",
    "12:30:45",
    "2001-12-14",
    "2001-12-14 21:59:43.10",
  ],
  ...["true", "False", "yes", "No", "on", "OFF", "null", "Null", "~", "<<", "=", "(>)", "(?)", "(@)", "%{", "{}", "[]"],
  ...["größe", "世界", "🎉 party", "e\u0301", "\u00a0", "a\u00a0b", "\u200b", "x\u3000y", "\ue000", "\ufffd"],
];
const keys: readonly [string, ...string[]] = ["a", "b", "c", "d e", "kind", "depends", "(>)", "(?)", "1", "true", "ü"];
const comments: readonly [string, ...string[]] = [" # c", "  # c: d", " #", " # 'q", " # 世界", "\t# tab"];

class Writer {
  readonly #random: Random;
  /** How often something rare is written. */
  readonly #rare: number;

  constructor(random: Random) {
    this.#random = random;
    this.#rare = random.pick([0, 0, 0.02, 0.05, 0.15]);
  }

  get #isRare(): boolean {
    return this.#random.chance(this.#rare);
  }

  document(): string {
    const random = this.#random;
    const lines = this.#isRare ? this.#value(0) : this.#mapping(0);
    const before = this.#isRare
      ? random.pick(["---", "%YAML 1.1\n---", "%YAML 1.2\n---", "%TAG ! !x\n---", "--- # c", ""])
      : undefined;
    const behind = this.#isRare
      ? random.pick(["...", "---", "--- a", "---\nb: c", "...\n# c", "...\n---\n", "\n\n"])
      : undefined;
    const text = [...(before === undefined ? [] : [before]), ...lines, ...(behind === undefined ? [] : [behind])].join(
      "\n",
    );
    return text + random.pick(["", "\n", "\n", "\n", "\n\n", "\n# end", "\n  "]);
  }

  #comment(): string {
    return this.#random.chance(0.1) ? this.#random.pick(comments) : "";
  }

  #gap(): Lines {
    const random = this.#random;
    if (!random.chance(0.1)) return [];
    return random.pick<Lines>([[""], ["# c"], ["   # c"], ["", ""], ["   "], this.#isRare ? ["\t"] : [""]]);
  }

  #indented(lines: Lines, by: number): Lines {
    return lines.map((line) => (line === "" ? line : " ".repeat(by) + line));
  }

  /** Anchor, tag or alias before a node. */
  #properties(): string {
    if (!this.#isRare) return "";
    return this.#random.pick([
      "&x ",
      "!!str ",
      "!own ",
      "!!int ",
      "! ",
      "!<tag:yaml.org,2002:str> ",
      "*x ",
      "&x !!str ",
      "!!map ",
      "!!seq ",
    ]);
  }

  /** The first line goes on where the value begins. */
  #value(depth: number): Lines {
    const random = this.#random;
    const kind = random.fraction(depth > 3 ? 5 : 10);
    if (kind < 5) return this.#scalar();
    if (kind < 6) return [` ${this.#properties()}${this.#flow(depth)}${this.#comment()}`];
    const head = `${random.chance(0.95) ? "" : " "}${this.#properties()}`;
    const lines = kind < 8.5 ? this.#mapping(depth + 1) : this.#sequence(depth + 1);
    const by = kind < 8.5 ? random.pick([1, 2, 2, 2, 4]) : random.pick([0, 0, 2, 3]);
    return [(head === "" ? "" : ` ${head.trim()}`) + this.#comment(), ...this.#gap(), ...this.#indented(lines, by)];
  }

  #scalar(): Lines {
    const random = this.#random;
    const head = ` ${this.#properties()}`;
    switch (random.pick(["plain", "plain", "plain", "lines", "single", "double", "block", "empty"])) {
      case "plain":
        return [head + this.#words() + this.#comment()];
      case "lines": {
        const more = random.list(3, () => (random.chance(0.2) ? "" : `   ${random.pick(words)}`));
        return [head + this.#words(), ...more, `  ${random.pick(words)}${this.#comment()}`];
      }
      case "single":
        return `${head}${this.#quoted("'")}${this.#comment()}`.split("\n");
      case "double":
        return `${head}${this.#quoted('"')}${this.#comment()}`.split("\n");
      case "block":
        return this.#block(head);
      default:
        return [this.#comment()];
    }
  }

  #words(): string {
    const random = this.#random;
    if (this.#isRare)
      return random
        .pick(["word ", "x"])
        .repeat(random.pick([10, 300, 3000]))
        .trim();
    return [this.#first(), ...random.list(2, () => random.pick(words))].join(" ");
  }

  /** What a plain text can begin with, unless that is wrong. */
  #first(): string {
    const word = this.#random.pick(words);
    return /^[%{[]/.test(word) && !this.#isRare ? "x" : word;
  }

  #quoted(quote: "'" | '"'): string {
    const random = this.#random;
    const parts = random.list(4, () => {
      if (random.chance(0.6)) return random.pick(words).replaceAll("'", "");
      if (random.chance(0.2)) return random.pick(["\n  ", "\n\n   ", " \n ", this.#isRare ? "\n" : " ", "  "]);
      if (quote === "'") return random.pick(["''", '"', "\\", "#", " # ", ": "]);
      return this.#isRare
        ? random.pick(["\\q", "\\x4", "\\u12", "\\U0011FFFF", "\\ud83d\\ude00", "\\0", "\\", "\\\t"])
        : random.pick([
            "\\n",
            "\\t",
            '\\"',
            "\\\\",
            "\\x41",
            "\\u00e9",
            "\\U0001F600",
            "\\e",
            "\\_",
            "\\N",
            "\\L",
            "\\/",
            "'",
            "#",
            "\\\n  ",
            "\\ ",
          ]);
    });
    return quote + parts.join(random.pick(["", " "])) + quote;
  }

  #block(head: string): Lines {
    const random = this.#random;
    const by = random.pick([1, 2, 2, 4]);
    const indicator = this.#isRare
      ? random.pick(["1", "2", "0", "9", "+2", "2-", "x", "++"])
      : random.pick(["", "", "-", "+"]);
    const lines = random.list(5, () => {
      if (random.chance(0.2)) return "";
      const deeper = random.chance(0.2) ? random.pick(["  ", " ", "\t"]) : "";
      return `${deeper}${random.pick(["x", "- y", "# z", "k: v", "two words", "'", "end ", "世界", "---", "%x"])}`;
    });
    return [`${head}${random.pick(["|", "|", ">"])}${indicator}${this.#comment()}`, ...this.#indented(lines, by)];
  }

  #key(): string {
    const random = this.#random;
    if (this.#isRare)
      return random.pick([
        "",
        "? x",
        "[a]",
        "{a: b}",
        "<<",
        "*x",
        "&x a",
        "!!str a",
        "'a\n  b'",
        "k".repeat(1030),
        `"${"q".repeat(1020)}"`,
        "a\tb",
        "- a",
        "-",
        "?",
      ]);
    const key = random.pick(keys);
    return random.chance(0.15) ? random.pick([`"${key}"`, `'${key}'`]) : key;
  }

  #mapping(depth: number): Lines {
    const random = this.#random;
    const used = new Set<string>();
    return Array.from({ length: 1 + Math.floor(random.fraction(4)) }, () => {
      let key = this.#key();
      while (used.has(key.replace(/["']/g, "")) && !this.#isRare) key = `${key.replace(/["']/g, "")}${used.size}`;
      used.add(key.replace(/["']/g, ""));
      if (this.#isRare) return [`? ${key}`, ...this.#gap(), ...(random.chance(0.8) ? [`: ${random.pick(words)}`] : [])];
      const [first = "", ...rest] = this.#value(depth);
      const colon = this.#isRare ? random.pick([" :", ":\t", "\t:", ": \t", ""]) : random.chance(0.05) ? " :" : ":";
      return [...this.#gap(), `${key}${colon}${first}`, ...rest];
    }).flat();
  }

  #sequence(depth: number): Lines {
    const random = this.#random;
    return Array.from({ length: 1 + Math.floor(random.fraction(3)) }, () => {
      const compact = random.pick([0, 0, 1, 1, 3]);
      if (compact === 0 || depth > 4) {
        const [first = "", ...rest] = this.#value(depth);
        return [...this.#gap(), `-${this.#isRare ? "\t" : ""}${first}`, ...this.#indented(rest, random.pick([1, 2]))];
      }
      const [first = "", ...rest] = random.chance(0.8) ? this.#mapping(depth + 1) : this.#sequence(depth + 1);
      return [...this.#gap(), `-${" ".repeat(compact)}${first}`, ...this.#indented(rest, compact + 1)];
    }).flat();
  }

  #flow(depth: number): string {
    const random = this.#random;
    const space = () => (random.chance(0.1) ? random.pick(["\n   ", " # c\n  ", "  ", this.#isRare ? "\t" : " "]) : "");
    const item = (): string => {
      if (depth < 4 && random.chance(0.2)) return this.#flow(depth + 2);
      if (random.chance(0.3)) return this.#quoted(random.pick(["'", '"']));
      return this.#isRare ? random.pick(words) : random.pick(["a", "b-c", "1", "two words", "~", "x", "x.y/z"]);
    };
    const pair = () => {
      const key = random.pick([...keys, "'q'", '"r"'] as [string, ...string[]]).replace(/^\(\?\)$/, "'(?)'");
      if (this.#isRare)
        return random.pick([key, `${key}:`, `? ${key} : v`, `${key}:v`, `"k":v`, ": v", `${key} : v`, ""]);
      return `${key}:${space()} ${item()}`;
    };
    const isList = random.chance(0.5);
    const parts = random.list(
      3,
      () => space() + this.#properties() + (isList && !random.chance(0.05) ? item() : pair()) + space(),
    );
    const inside = parts.join(random.pick([",", ", ", " , "])) + (random.chance(0.05) ? "," : "") + space();
    return isList ? `[${inside}]` : `{${inside}}`;
  }
}

/** Depths beyond what projects have, where stacks end. */
function deep(random: Random): string {
  const depth = random.pick([50, 300, 900]);
  const blanks = Array.from({ length: depth }, (_, index) => `${" ".repeat(index)}a:`).join("\n");
  return random.pick([
    `a: ${"[".repeat(depth)}${"]".repeat(depth)}`,
    `a: ${"{b: ".repeat(depth)}${"}".repeat(depth)}`,
    `a:\n${"- ".repeat(depth)}x`,
    `${blanks} x`,
    `a: ${"[".repeat(depth)}`,
  ]);
}

/** The text of a seed. */
export function yamlText(seed: number): string {
  const random = new Random(seed);
  if (random.chance(0.005)) return deep(random);
  let text = new Writer(random).document();
  if (random.chance(0.3)) text = mutateText(text, random);
  if (random.chance(0.06)) text = text.replaceAll("\n", random.pick(["\r\n", "\r\n", "\r", "\u0085", "\u2028"]));
  if (random.chance(0.02)) text = `\ufeff${text}`;
  // As it is in a file, where no character can be cut in halves.
  return Buffer.from(text).toString();
}
