import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editYaml, type YamlEdit } from "../../src/yaml/edit.ts";
import { emitYaml } from "../../src/yaml/emit.ts";
import type { Plain } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";

const ELEMENT = `# An element
kind: manual   # of this kind

sources:
# The first
- kind: tar
  url: 'a:b.tar'   # here
  ref: "abc"  # seen

- ref: >-
    long
    ref
  kind: git

- {kind: local, path: x} # inline
-   kind: remote
    url: y

# The end
`;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly edits: readonly [path: YamlEdit["path"], value: Plain | undefined][];
  /** What replaces what, in order; all else stays. */
  readonly changes: readonly [old: string, replacement: string][];
}

const CASES: readonly Case[] = [
  {
    name: "a quoted value keeps its quotes",
    text: ELEMENT,
    edits: [[["sources", 0, "ref"], "def"]],
    changes: [['"abc"', '"def"']],
  },
  {
    name: "a block of text becomes a line",
    text: ELEMENT,
    edits: [[["sources", 1, "ref"], "def"]],
    changes: [["ref: >-\n    long\n    ref\n", "ref: def\n"]],
  },
  {
    name: "a key is added behind the last, before the comments that follow",
    text: ELEMENT,
    edits: [[["sources", 3, "ref"], "def"]],
    changes: [["    url: y\n", "    url: y\n    ref: def\n"]],
  },
  {
    name: "a key is added in brackets",
    text: ELEMENT,
    edits: [[["sources", 2, "ref"], "d,ef"]],
    changes: [["path: x}", "path: x, ref: 'd,ef'}"]],
  },
  {
    name: "a key is removed with its comment",
    text: ELEMENT,
    edits: [[["sources", 0, "ref"], undefined]],
    changes: [['  ref: "abc"  # seen\n', ""]],
  },
  {
    name: "the first key behind a dash is removed",
    text: ELEMENT,
    edits: [[["sources", 1, "ref"], undefined]],
    changes: [["- ref: >-\n    long\n    ref\n  kind: git\n", "- kind: git\n"]],
  },
  {
    name: "keys in brackets are removed",
    text: "a: {b: 1, c: [x], d: 2}\ne: {f: 1}\n",
    edits: [
      [["a", "c"], undefined],
      [["a", "b"], undefined],
      [["e", "f"], undefined],
    ],
    changes: [
      ["b: 1, c: [x], d: 2", "d: 2"],
      ["f: 1", ""],
    ],
  },
  {
    name: "the only key is removed",
    text: "a:\n  b: c\nd:\n- e: |\n    f\n- g\n",
    edits: [
      [["a", "b"], undefined],
      [["d", 0, "e"], undefined],
    ],
    changes: [
      ["b: c", "{}"],
      ["e: |\n    f\n", "{}\n"],
    ],
  },
  {
    name: "several sources",
    text: ELEMENT,
    edits: [
      [["sources", 0, "ref"], "1"],
      [["sources", 1, "ref"], "2"],
      [["sources", 3, "ref"], "3"],
    ],
    changes: [
      ['"abc"', '"1"'],
      [">-\n    long\n    ref\n", "2\n"],
      ["    url: y\n", "    url: y\n    ref: 3\n"],
    ],
  },
  {
    name: "an unchanged value",
    text: ELEMENT,
    edits: [
      [["sources", 0, "ref"], "abc"],
      [["sources", 0, "other"], undefined],
      [["nothing", 3, "ref"], undefined],
    ],
    changes: [],
  },
  {
    name: "a list instead of a text",
    text: "a:\n- ref: x # c\n  kind: y\n",
    edits: [
      [
        ["a", 0, "ref"],
        ["m", { n: "o", p: "q" }],
      ],
    ],
    changes: [["ref: x", "ref:\n  - m\n  - n: o\n    p: q"]],
  },
  {
    name: "a text instead of a list",
    text: "a:\n- ref:\n  - m\n  - n: o\n  kind: y\n",
    edits: [[["a", 0, "ref"], "x"]],
    changes: [["\n  - m\n  - n: o", " x"]],
  },
  {
    name: "parts of a dictionary",
    text: "ref:\n  # one\n  a: 1 # 1\n  b:\n  - x # x\n  - y\n  c: 3\nkind: k\n",
    edits: [[["ref"], { a: "1", b: ["x", "z"], d: { e: [] } }]],
    changes: [
      ["- y\n", "- z\n"],
      ["  c: 3\n", "  d:\n    e: []\n"],
    ],
  },
  {
    name: "a list of another length",
    text: "ref:\n- a: 1\n  b: 2\n\n# comment\nkind: k\n",
    edits: [[["ref"], [{ a: "1" }, { a: "2" }]]],
    changes: [["- a: 1\n  b: 2\n", "- a: 1\n- a: 2\n"]],
  },
  {
    name: "a key without a value",
    text: "ref:\na:\n  b: # c\n",
    edits: [
      [["ref"], "x"],
      [["a", "b"], { d: "e" }],
    ],
    changes: [
      ["ref:", "ref: x"],
      ["b:", "b:\n    d: e"],
    ],
  },
  {
    name: "empty collections are filled",
    text: "a: {}\nb:\n- {}\n- []\nc: [{}, 1]\n",
    edits: [
      [["a", "x", 1], "y"],
      [["b", 0, "x"], "y"],
      [["b", 1, 0], "z"],
      [["c", 0, "x"], { y: ["z"] }],
    ],
    changes: [
      ["- {}", "- x: y"],
      ["a: {}", "a:\n  x:\n  - {}\n  - y"],
      ["- []", "- - z"],
      ["{}, 1", "{x: {y: [z]}}, 1"],
    ],
  },
  {
    name: "a list is filled up",
    text: "projects:\n  p:\n    e.bst:\n    - ref: 1\n    f.bst:\n    - ref: 2\n",
    edits: [[["projects", "p", "e.bst", 2], { ref: "3" }]],
    changes: [["    - ref: 1\n", "    - ref: 1\n    - {}\n    - ref: 3\n"]],
  },
  {
    name: "a new project",
    text: "# refs\nprojects:\n  p:\n    e.bst:\n    - ref: 1",
    edits: [[["projects", "q", "e.bst", 0], { ref: "3" }]],
    changes: [["ref: 1", "ref: 1\n  q:\n    e.bst:\n    - ref: 3"]],
  },
  {
    name: "ends of lines of another system",
    text: "a:\r\n- b: c\r\nd: e\r\n",
    edits: [
      [["a", 0, "ref"], ["x"]],
      [["d"], "f"],
    ],
    changes: [
      ["- b: c\r\n", "- b: c\r\n  ref:\r\n  - x\r\n"],
      ["d: e", "d: f"],
    ],
  },
  {
    name: "texts that need quotes",
    text: "a: b\nc: 'd'\n",
    edits: [
      [["a"], "x: y"],
      [["c"], "it's"],
    ],
    changes: [
      ["a: b", "a: 'x: y'"],
      ["'d'", "'it''s'"],
    ],
  },
];

function apply(text: string, edits: Case["edits"]): string {
  return editYaml(
    text,
    edits.map(([path, value]) => ({ path, value })),
  );
}

test.each(CASES)("$name", ({ text, edits, changes }) => {
  let expected = text;
  for (const [old, replacement] of changes) {
    expect(expected).toContain(old);
    expected = expected.replace(old, () => replacement);
  }
  expect(apply(text, edits)).toBe(expected);
});

test("an empty file is begun", () => {
  const edits: Case["edits"] = [[["projects", "p", "e.bst", 1], { ref: ["x"] }]];
  const text = "projects:\n  p:\n    e.bst:\n    - {}\n    - ref:\n      - x\n";
  expect(apply("", edits)).toBe(text);
  expect(apply("# Nothing yet\n", edits)).toBe(`# Nothing yet\n${text}`);
  expect(apply("# Nothing yet", edits)).toBe(`# Nothing yet\n${text.slice(0, -1)}`);
});

test("a path through a single value is an error", () => {
  expect(() => apply("a: b", [[["a", "c"], "d"]])).toThrow();
  expect(() => apply("a: [b]", [[["a", "c"], "d"]])).toThrow();
  expect(() => apply("a: [", [[["a"], "d"]])).toThrow();
});

type Dictionary = { [key: string]: Plain };
const { dictionary, value: values } = fc.letrec<{ dictionary: Dictionary; value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Plain[]>("", "x", "a: b", "it's", "l1\nl2", "x, y", "#", "1"),
    tie("dictionary"),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
  dictionary: fc.dictionary(fc.constantFrom("a", "b", "c", "d e", "ref"), tie("value"), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
}));

/** A place of the tree, or next to one. */
function somePath(tree: Plain, choices: readonly number[]): (string | number)[] {
  const path: (string | number)[] = [];
  let node: Plain | undefined = tree;
  for (const choice of choices) {
    if (node === undefined || typeof node === "string") break;
    if (Array.isArray(node)) {
      const index: number = choice % (node.length + 2);
      path.push(index);
      node = node[index];
    } else {
      const key: string = [...Object.keys(node), "ref", "new"][choice % (Object.keys(node).length + 2)] ?? "new";
      path.push(key);
      node = node[key];
    }
  }
  return path;
}

function edited(
  tree: Plain | undefined,
  [key, ...rest]: YamlEdit["path"],
  value: Plain | undefined,
): Plain | undefined {
  if (key === undefined) return value;
  if (typeof key === "number") {
    const list = Array.isArray(tree) ? [...tree] : [];
    if (value === undefined && key >= list.length) return tree;
    while (list.length < key) list.push({});
    const item = edited(list[key], rest, value);
    if (item !== undefined) list[key] = item;
    return list;
  }
  const old = typeof tree === "object" && !Array.isArray(tree) ? tree : {};
  if (value === undefined && !(key in old)) return tree;
  const item = edited(old[key], rest, value);
  if (item !== undefined) return { ...old, [key]: item };
  const { [key]: _, ...others } = old;
  return others;
}

function flow(value: Plain): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}: ${flow(item)}`)
    .join(", ")}}`;
}

/** YAML in which parts are in brackets, comments are between lines, and lists are indented or not. */
function written(tree: Dictionary, style: number): string {
  let text = "";
  for (const [key, value] of Object.entries(tree)) {
    if (style % 3 === 0) text += `# ${key}\n`;
    const inBrackets = (style >> 2) % 3 === 0 && typeof value === "object";
    if (inBrackets) text += `${key}: ${flow(value)}${style % 2 === 0 ? "  # c" : ""}\n`;
    else text += emitYaml({ [key]: value }).replace(/\n(?=- )/g, style % 5 === 0 ? "\n# item\n" : "\n");
  }
  return style % 7 === 0 ? text.trimEnd() : text;
}

describe("random edits", () => {
  const read = (text: string) => parseYaml(text, { path: "/f", shortName: "f", displayName: "f" }).toPlain();
  const someEdit = fc.tuple(
    dictionary,
    fc.nat(1000),
    fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
    fc.option(values, { nil: undefined }),
  );

  test("give what they should, and leave the rest as it is", () => {
    fc.assert(
      fc.property(someEdit, ([tree, style, choices, value]) => {
        const path = somePath(tree, choices);
        fc.pre(value !== undefined || typeof path.at(-1) === "string");
        const text = written(tree, style);
        const result = apply(text, [[path, value]]);
        expect(read(result), `${text}\n=> ${JSON.stringify([path, value])}\n${result}`).toEqual(
          edited(tree, path, value),
        );
        for (const [key, other] of Object.entries(tree)) {
          if (key !== path[0]) expect(result).toContain(written({ [key]: other }, style).trim());
        }
        if (value === undefined) return;
        const again = apply(result, [[path, value]]);
        expect(again).toBe(result);
      }),
      { numRuns: 2000, seed: 6 },
    );
  });
});
