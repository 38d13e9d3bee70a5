import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoadError } from "../../src/base/errors.ts";
import type { Node } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { parsePlain } from "../../src/yaml/plain-parser.ts";

const FILE = { path: "/p/a.bst", shortName: "a.bst", displayName: "a.bst" };
const { TEXTS = "1000", SEED = "1" } = process.env;
const RUNS = { numRuns: Number(TEXTS), seed: Number(SEED) };

type Placed = readonly unknown[];

function placed(node: Node): Placed {
  const { type, file, line, column, expandable, directives } = node;
  const head = [type, file.displayName, line, column, expandable, directives];
  if (node.type === "scalar") return [...head, node.value];
  if (node.type === "sequence") return [...head, node.items.map(placed)];
  return [...head, [...node.entries].map(([key, value]) => [key, placed(value)])];
}

/** A byte order mark moves nothing, and is left to the full parser. */
function inFull(text: string): Placed | undefined {
  try {
    return placed(parseYaml(`\ufeff${text}`, FILE));
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    return undefined;
  }
}

/** Whether the fast parser read it, which must then be as the full parser does. */
function compare(text: string): boolean {
  const node = parsePlain(text, FILE);
  if (node === undefined) return false;
  expect({ text, node: placed(node) }).toEqual({ text, node: inFull(text) });
  return true;
}

test("reads what projects are made of", () => {
  const text = `# comment
kind: manual # more
description: |

  literal
    more
  \ttab

  end
long: >-
  folded
  text

  next
"quoted \\"key\\"" : "a\\tb"
'it''s': 'x''y'
plain: one two
  three

  four
depends:
- a.bst
-   filename: b.bst
    type: build

- - nested
  - sequence
-
  - own line
variables:
    # deeper
    url: http://x:80/#y
    percent: a%{b}
    empty:
  # less deep
    (>): [ a, "b", 'c d' ]
    none: []
    nothing: {}
`;
  expect(compare(text)).toBe(true);
  expect(parsePlain(text, FILE)?.mapping("variables")?.strings("(>)")).toEqual(["a", "b", "c d"]);
});

test.each([
  "",
  "\n",
  "# a",
  "a:",
  "a: b",
  "a: |",
  "a: |\n  b\n\n\n",
  "a:\n- b\n-",
  "é: ü",
  "a:\n  b",
  "a:\n-\n#\n b\n- c",
])("%j is read", (text) => {
  expect(compare(text)).toBe(true);
});

test.each([
  ["a tab", "a:\tb"],
  ["a tab before a block", "a: b\n  \tc\nd: |\n  e"],
  ["a tab in a folded block", "a: >\n  b\n  \tc"],
  ["a tab behind a block", "a: |\n  b\n\tc: d"],
  ["an anchor", "a: &b c"],
  ["an alias", "a: *b"],
  ["a tag", "a: !!str b"],
  ["a document marker", "---\na: b"],
  ["an end marker", "a: b\n..."],
  ["a marker like a key", "--- : a"],
  ["an end marker like a key", "a: b\n... : c"],
  ["a directive", "%YAML 1.2\n---\na: b"],
  ["an explicit key", "? a\n: b"],
  ["a key that stands twice", "a: b\na: c"],
  ["a long key", `${"a".repeat(1100)}: b`],
  ["a long key in quotes", `"${"a".repeat(1100)}": b`],
  ["a key in quotes beside its value", '"a":b'],
  ["a comment right behind quotes", 'a: "b"#c'],
  ["a comment right behind a block's indicator", "a: |#c\n  b"],
  ["a text that goes on behind a comment", "a: b\n# c\n  d"],
  ["a missing key", ": a"],
  ["a sequence at the top", "- a"],
  ["a scalar at the top", "a"],
  ["odd indentation", "a:\n  b: c\n d: e"],
  ["deeper than a value", "a: b\n  c: d"],
  ["a value with a value", "a: b: c"],
  ["carriage returns", "a: b\r\n"],
  ["a byte order mark", "\ufeffa: b"],
  ["another end of a line", "a: b\u2028"],
  ["two units", "a: 😀"],
  ["an open quote", "a: 'b"],
  ["an unknown escape", 'a: "\\q"'],
  ["a flow mapping", "a: {b: c}"],
  ["a blank line wider than a block", "a: |\n     \n  b"],
  ["a block that begins with a tab", "a: |\n  \tb"],
  ["a reserved character", "a: @b"],
  ["nesting that no stack holds", `a:\n${"- ".repeat(100_000)}`],
  ["nesting of brackets", `a: ${"[".repeat(100_000)}`],
])("leaves to the full parser: %s", (_, text) => {
  expect(parsePlain(text, FILE)).toBeUndefined();
});

test("this repository's own files", () => {
  const root = join(import.meta.dirname, "../..");
  const paths = ["elements", "test", "docs", "bench"]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((path) => join(root, folder, String(path))),
    )
    .filter((path) => /(\.bst|\.yml|\.yaml|project\.conf)$/.test(path) && statSync(path).isFile());
  const read = paths.filter((path) => compare(readFileSync(path, "utf8")));
  expect(read.length).toBeGreaterThan(100);
  expect(read.length / paths.length).toBeGreaterThan(0.8);
});

/** Lines of a value behind its key or dash; the first goes on in that line. */
type Rendered = readonly string[];

const word = fc.constantFrom(
  "a",
  "b-c",
  "x.y",
  "v%{v}",
  "1",
  "~",
  "a:b",
  "c#d",
  "-e",
  "(>)",
  "http://x",
  "f'g",
  "é",
  "null",
);
const comment = fc.constantFrom("", "", "", "", "", "", "  ", " # c", " #");
const gap = fc.constantFrom<readonly string[]>([], [], [], [], [], [], [""], ["# c"], ["  # c"], ["   ", ""]);
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((list) => list.join(" "));
const indented = (lines: Rendered, by: number) => lines.map((line) => (line === "" ? line : " ".repeat(by) + line));

const blockLines = fc.array(fc.constantFrom("x", "- y", "# z", "", " ", "x y", "k: v", "  k: v", "a: b ", "'", "é"), {
  maxLength: 5,
});
const scalar: fc.Arbitrary<Rendered> = fc.oneof(
  fc.tuple(words, comment).map(([text, end]) => [` ${text}${end}`]),
  fc.tuple(words, words, fc.nat(3)).map(([one, two, empty]) => [` ${one}`, ...Array(empty).fill(""), `   ${two}`]),
  fc
    .tuple(fc.constantFrom("'it''s'", '"a\\nb"', '""', "' # '", '"\\\\"', "' c '"), comment)
    .map(([q, end]) => [` ${q}${end}`]),
  fc
    .tuple(fc.constantFrom("|", "|-", "|+", ">", ">-", ">+"), comment, fc.integer({ min: 1, max: 4 }), blockLines)
    .map(([header, end, by, lines]) => [` ${header}${end}`, ...indented(lines, by)]),
  fc
    .tuple(fc.constantFrom("[]", "{}", "[a, b]", "[ 'a', \"b\" ]", "[a,b ]"), comment)
    .map(([f, end]) => [` ${f}${end}`]),
  comment.map((end) => [end]),
);

const { tree } = fc.letrec<{ tree: Rendered; mapping: Rendered; sequence: Rendered; value: Rendered }>((tie) => ({
  tree: tie("mapping"),
  mapping: fc
    .uniqueArray(fc.tuple(fc.oneof(word, fc.constantFrom("'q'", '"r s"', "t u")), tie("value"), gap, fc.boolean()), {
      selector: ([key]) => key,
      minLength: 1,
      maxLength: 4,
    })
    .map((entries) =>
      entries.flatMap(([key, [first = "", ...rest], between, wide]) => [
        ...between,
        `${key}${wide ? " " : ""}:${first}`,
        ...rest,
      ]),
    ),
  sequence: fc
    .array(fc.tuple(tie("value"), tie("mapping"), fc.integer({ min: 0, max: 2 }), gap), { minLength: 1, maxLength: 3 })
    .map((items) =>
      items.flatMap(([[first = "", ...rest], [key = "", ...others], compact, between]) =>
        compact === 0
          ? [...between, `-${first}`, ...rest]
          : [...between, `-${" ".repeat(compact)}${key}`, ...indented(others, compact + 1)],
      ),
    ),
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc
      .tuple(comment, tie("mapping"), fc.integer({ min: 1, max: 4 }))
      .map(([end, lines, by]) => [end, ...indented(lines, by)]),
    fc
      .tuple(comment, tie("sequence"), fc.integer({ min: 0, max: 4 }))
      .map(([end, lines, by]) => [end, ...indented(lines, by)]),
  ),
}));

const texts = fc.tuple(tree, fc.constantFrom("", "\n", "\n\n")).map(([lines, end]) => lines.join("\n") + end);

describe("random texts are read as by the full parser, or not at all", () => {
  test("trees", () => {
    let read = 0;
    fc.assert(
      fc.property(texts, (text) => {
        if (compare(text)) read++;
      }),
      RUNS,
    );
    expect(read).toBeGreaterThan(RUNS.numRuns / 2);
  });

  const piece = fc.constantFrom(
    ..." |  |    |\n|\n\n|\n  |-|- |:|: |?|? | #|#|'|\"|\\|\\n|[|]|{|}|,|&|*|!|>|%|@|`|\t|\r|---|...|- - |\u00a0|\u2028|a|é|😀|<<: ".split(
      "|",
    ),
    "|",
    "|2",
  );
  const edit = fc.tuple(fc.nat(), fc.nat(2), piece);
  test("mistakes in them", () => {
    let read = 0;
    fc.assert(
      fc.property(texts, fc.array(edit, { minLength: 1, maxLength: 2 }), (text, edits) => {
        let edited = text;
        for (const [place, removed, added] of edits) {
          const at = place % (edited.length + 1);
          edited = edited.slice(0, at) + added + edited.slice(at + removed);
        }
        if (compare(edited)) read++;
      }),
      RUNS,
    );
    expect(read).toBeGreaterThan(RUNS.numRuns / 10);
  });

  test("lines at other indentations", () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.integer({ min: -3, max: 3 }), (text, place, by) => {
        const lines = text.split("\n");
        const at = place % lines.length;
        const line = lines[at] ?? "";
        lines[at] = by < 0 ? line.replace(new RegExp(`^ {0,${-by}}`), "") : " ".repeat(by) + line;
        compare(lines.join("\n"));
      }),
      RUNS,
    );
  });
});
