import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoadError } from "../../src/base/errors.ts";
import type { MappingNode, Node } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { tempDir } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { type Answer, answered, askEach } from "../oracle/python.ts";
import { type Placed, placed } from "./nodes.ts";

function parse(text: string): MappingNode {
  return parseYaml(text, { path: "/p/a.bst", shortName: "a.bst", displayName: "sub.bst:a.bst" });
}

test("every scalar is text without white space around it", () => {
  const text = `
a: 1
b: true
c: ' x '
d: |

  lines
   more

e: >-
  folded
  text
f:
"g h": "\\x41\\n"
i: {j: [k, 'l, m'], n: }
o:
- p
-
- - q
  # comment
  - r: s
    t: "u
      v"
`;
  expect(parse(text).toPlain()).toEqual({
    a: "1",
    b: "true",
    c: "x",
    d: "lines\n more",
    e: "folded text",
    f: "",
    "g h": "A",
    i: { j: ["k", "l, m"], n: "" },
    o: ["p", "", ["q", { r: "s", t: "u v" }]],
  });
});

test("nodes know where they are", () => {
  const node = parse('# c\na: b\n"c" : \n  - d\n  - e: {f: 😀, g: h}\n    i: !!str j\n');
  const place = (found: Node | undefined) => found?.provenance.replace("sub.bst:a.bst ", "");
  const items = node.sequence("c")?.items ?? [];
  const e = items[1]?.type === "mapping" ? items[1] : undefined;
  expect(node.provenance).toBe("sub.bst:a.bst [line 2 column 0]");
  expect([node.get("a"), node.get("c"), ...items].map(place)).toEqual([
    "[line 2 column 3]",
    "[line 4 column 2]",
    "[line 4 column 4]",
    "[line 5 column 4]",
  ]);
  expect([e?.get("e"), e?.mapping("e")?.get("f"), e?.mapping("e")?.get("g"), e?.get("i")].map(place)).toEqual([
    "[line 5 column 7]",
    "[line 5 column 11]",
    "[line 5 column 17]",
    "[line 6 column 7]",
  ]);
  expect(place(parse("a:   # c\nb: \n").get("a"))).toBe("[line 1 column 2]");
  expect(place(parse("\ufeffa: b").get("a"))).toBe("[line 1 column 3]");
});

test.each(["", "\n", "# only a comment\n", "\ufeff"])("%j is an empty dictionary", (text) => {
  expect(parse(text).keys()).toEqual([]);
});

test.each([
  ["- a", 1],
  ["a", 1],
  ["a: b\n- c", 2],
  ["a: b: c", 1],
  ["a: [b", 2],
  ["a: {b: c", 2],
  ["a: 'b", 1],
  ["a: b\n  c: d", 2],
  ["a: b\na: c", 2],
  ["a: &x b", 1],
  ["a: b\nc: *x", 2],
  ["a: !own b", 1],
  ["!own a: b", 1],
  ["a: b\n? [c]\n: d", 2],
  [": a", 1],
  ["a: b\n---\nc: d", 2],
  ["a: \u0007", 1],
  ["%{a}: b", 1],
  ["---\n", 2],
  ["a: @b", 1],
])("%j is an error", (text, line) => {
  expect(() => parse(text)).toThrow(LoadError);
  expect(() => parse(text)).toThrow(expect.objectContaining({ reason: "invalid-yaml" }));
  expect(() => parse(text)).toThrow(new RegExp(`^sub\\.bst:a\\.bst \\[line ${line} column \\d+\\]: `));
});

test("nesting that no stack holds is an error", () => {
  expect(() => parse(`a: ${"[".repeat(100_000)}${"]".repeat(100_000)}`)).toThrow(LoadError);
});

const outcome = (text: string) => answered(() => placed(parse(text)));

function theirs(texts: readonly string[]): Answer<Placed>[] {
  const directory = tempDir("yaml");
  mkdirSync(directory, { recursive: true });
  for (const [i, text] of texts.entries()) writeFileSync(join(directory, String(i)), text);
  return askEach<Placed>(
    `
from buildstream import _yaml
from yaml_nodes import placed
def answer(index):
    return placed(_yaml.load(${JSON.stringify(directory)} + "/%d" % index, "x"))
`,
    texts.map((_, index) => index),
  );
}

// Texts of the kind that people write, and mistakes in them; test/fuzz has those of all kinds.
const pieces = fc.constantFrom(
  ...[
    "a",
    "b",
    "c: ",
    "d:",
    "- ",
    "-",
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n  ",
    "\n    ",
    "\n- ",
    "\n  - ",
    " ",
    "'x'",
    '"y"',
  ],
  ...[
    "'it''s'",
    '"a\\nb"',
    "|\n",
    "|-\n    ",
    ">\n  ",
    " # c",
    "# c\n",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "x y",
    "1",
    "~",
  ],
  ...[
    "a#b",
    "a:b",
    "http://x",
    "(?): ",
    "(>):\n- ",
    "%{v}",
    "key: value\n",
    "list:\n- x\n",
    "m:\n  n: o\n",
    "\r\n",
    "😀",
    "`",
    "&a ",
    "*a",
  ],
);
const begin = fc.constantFrom("", "a: ", "k:\n  ", "x: y\n", "l:\n- ", "f: {", "g: [");
const texts = fc.tuple(begin, fc.array(pieces, { maxLength: 8 })).map(([first, rest]) => first + rest.join(""));

describe.skipIf(absent !== undefined)(`as BuildStream reads it (${absent ?? "compared"})`, () => {
  test("random texts", { timeout: 120_000 }, () => {
    const { TEXTS = "2500", SEED = "1" } = process.env;
    const sample = fc.sample(texts, { numRuns: Number(TEXTS), seed: Number(SEED) });
    const differing: unknown[] = [];
    let read = 0;
    for (const [i, answer] of theirs(sample).entries()) {
      const text = sample[i] ?? "";
      const ours = outcome(text);
      if (answer.error !== undefined && ours.error !== undefined) continue;
      if (ours.value !== undefined && JSON.stringify(ours.value) === JSON.stringify(answer.value)) read++;
      else differing.push({ text, ours, theirs: answer });
    }
    expect(differing).toEqual([]);
    expect(read).toBeGreaterThan(sample.length / 20);
  });

  test("the projects of other tests", () => {
    const root = join(import.meta.dirname, "../oracle");
    const paths = (readdirSync(root, { recursive: true }) as string[])
      .filter((path) => /\.(bst|conf|yml|refs)$/.test(path))
      .map((path) => join(root, path))
      .filter((path) => statSync(path).isFile());
    const contents = paths.map((path) => readFileSync(path, "utf8"));
    for (const [i, answer] of theirs(contents).entries()) {
      const { value } = outcome(contents[i] ?? "");
      expect({ path: paths[i], value }).toEqual({ path: paths[i], value: answer.value });
    }
    expect(paths.length).toBeGreaterThan(50);
  });
});
