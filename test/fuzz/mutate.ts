/** Random mistakes in a text: what an editor, a merge or a bad disk leaves. */
import type { Plain } from "../../src/yaml/node.ts";
import type { Random } from "../oracle/random.ts";

const pieces: readonly [string, ...string[]] = [
  ...([" ", "  ", "    ", "\n", "\n\n", "\n  ", "- ", "-", ": ", ":", "? ", " #", "#", "'", '"', "\\", "\t"] as const),
  ...["[", "]", "{", "}", ",", "&a ", "*a ", "!t ", "!!int ", "|\n", ">\n", "%", "@", "`", "---\n", "...\n", "<<: "],
  ...["(?):\n- x:\n", "(@): x.yml\n", "(>):\n- x\n", "(<): []\n", "(=): x\n", "(!): no\n", "%{x}", "%{", "\u00a0"],
  ...["\u2028", "\u0085", "\ufeff", "\0", "\u0007", "é", "😀", "\r", "|2\n", "- - ", "null", "[]", "{}", "1", "a: b\n"],
];

const edits: Readonly<Record<string, (text: string, at: number, random: Random) => string>> = {
  truncate: (text, at) => text.slice(0, at),
  remove: (text, at, random) =>
    text.slice(0, at) + text.slice(at + 1 + Math.floor(random.fraction(random.pick([1, 3, 40])))),
  insert: (text, at, random) => text.slice(0, at) + random.pick(pieces) + text.slice(at),
  replace: (text, at, random) => text.slice(0, at) + random.pick(pieces) + text.slice(at + 1),
  repeat: (text, at, random) => text.slice(0, at + 1 + Math.floor(random.fraction(30))) + text.slice(at),
  "remove line": (text, at) => editLine(text, at, () => []),
  "repeat line": (text, at) => editLine(text, at, (line) => [line, line]),
  "move line": (text, at, random) => {
    const line = lineAt(text, at);
    const without = editLine(text, at, () => []);
    return editLine(without, Math.floor(random.fraction(without.length + 1)), (other) => [other, line]);
  },
  indent: (text, at, random) => editLine(text, at, (line) => [random.pick([" ", "  ", "\t", "    "]) + line]),
  dedent: (text, at, random) => editLine(text, at, (line) => [line.slice(random.pick([1, 2, 4]))]),
  "indent rest": (text, at) => text.slice(0, at) + text.slice(at).replaceAll("\n", "\n  "),
  unquote: (text, at) => text.slice(0, at) + text.slice(at).replace(/(['"])(.*?)\1/, "$2"),
  "other value": (text, at, random) =>
    editLine(text, at, (line) => [line.replace(/(:|^\s*-)( .*)?$/, (_, head) => `${head} ${random.pick(values)}`)]),
  "other key": (text, at, random) =>
    editLine(text, at, (line) => [line.replace(/[^\s:-][^:]*(?=:)/, random.pick(keys))]),
};

const values: readonly [string, ...string[]] = [
  ...([
    "",
    "x",
    "[]",
    "{}",
    "[a, b]",
    "{a: b}",
    "[[x]]",
    "[{}]",
    "-1",
    "1e999",
    "true",
    "%{name}",
    "%{x}",
    "'%{",
    "../..",
  ] as const),
  ...[
    "/",
    ".",
    "a.bst",
    "a.bst:b.bst",
    ":",
    "{(>): [x]}",
    "{(=): []}",
    "{(?): [{x: {}}]}",
    '"\\0"',
    "~",
    "%{%{x}}",
    "999999999999999999999",
  ],
];
const keys: readonly [string, ...string[]] = [
  ...([
    "kind",
    "depends",
    "(?)",
    "(@)",
    "(>)",
    "(!)",
    "sources",
    "variables",
    "config",
    "public",
    "url",
    "ref",
    "x",
  ] as const),
  ...["name", "options", "elements", "target", "__proto__", "constructor", "toString", "junction", "filename", "type"],
];

function bounds(text: string, at: number): [start: number, end: number] {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return [start, end < 0 ? text.length : end];
}

function lineAt(text: string, at: number): string {
  return text.slice(...bounds(text, at));
}

function editLine(text: string, at: number, edit: (line: string) => readonly string[]): string {
  const [start, end] = bounds(text, at);
  const lines = edit(text.slice(start, end));
  return text.slice(0, start) + lines.map((line) => `${line}\n`).join("") + text.slice(end + 1);
}

const names = Object.keys(edits) as [string, ...string[]];

/** The text with one to three mistakes. */
export function mutateText(text: string, random: Random): string {
  let mutated = text;
  for (let count = random.pick([1, 1, 1, 2, 3]); count > 0; count--) {
    const at = Math.floor(random.fraction(mutated.length + 1));
    mutated = edits[random.pick(names)]?.(mutated, at, random) ?? mutated;
  }
  return mutated;
}

const structures: readonly [Plain, ...Plain[]] = [
  "",
  ..."x|%{x}|%{name}|True|-1|1.5|../x|a.bst|a\nb|\0|é".split("|"),
  ...([[], {}, ["x"], ["a", "a"], [[]], [{}], [""], [{ kind: "local" }], [{ filename: "a.bst" }]] as Plain[]),
  ...([{ x: "y" }, { "": "" }, { "(>)": ["x"] }, { "(=)": [] }, { "(<)": "x" }, { "(>)": [], x: "y" }] as Plain[]),
  ...([{ "(?)": [{ True: {} }] }, { "(?)": [{ arch: "x" }] }, { "(@)": "x.yml" }, { "(!)": "no" }] as Plain[]),
  ...([{ kind: "local", path: "." }, { kind: "x" }, [{ filename: ["a.bst"], type: "x" }]] as Plain[]),
];

/** Lists and dictionaries in the tree, the outermost first. */
function collections(tree: Plain): (Plain[] | { [key: string]: Plain })[] {
  if (typeof tree === "string") return [];
  return [tree, ...Object.values(tree).flatMap(collections)];
}

/** The tree with one or two values replaced, removed, moved or renamed: what it says is wrong, not how it is written. */
export function mutateTree(tree: Plain, other: Plain, random: Random): Plain {
  const mutated = structuredClone(tree);
  for (let count = random.pick([1, 1, 2]); count > 0; count--) {
    const all = collections(mutated).filter((each) => Object.keys(each).length > 0);
    const donors = collections(other);
    const [first, ...rest] = all;
    if (first === undefined) return random.pick(structures);
    const place = random.pick([first, ...rest]) as Record<string, Plain>;
    const [key = "", ...others] = Object.keys(place);
    const name = random.pick([key, ...others]);
    const value = place[name] ?? "";
    switch (random.pick(["replace", "replace", "remove", "rename", "donate", "wrap"])) {
      case "replace":
        place[name] = structuredClone(random.pick(structures));
        break;
      case "remove":
        if (Array.isArray(place)) place.splice(Number(name), 1);
        else delete place[name];
        break;
      case "rename":
        if (!Array.isArray(place)) delete place[name];
        place[Array.isArray(place) ? "0" : random.pick(keys)] = value;
        break;
      case "donate":
        place[name] = structuredClone(donors[Math.floor(random.fraction(donors.length))] ?? "x");
        break;
      default:
        place[name] = random.pick<Plain>([
          [value],
          { x: value },
          { "(>)": [value] },
          { "(?)": [{ True: { x: value } }] },
        ]);
    }
  }
  return mutated;
}

/** The bytes with a few flipped, or cut out. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const mutated = Uint8Array.from(bytes);
  for (let count = random.pick([1, 2, 10]); count > 0 && mutated.length > 0; count--) {
    const at = Math.floor(random.fraction(mutated.length));
    mutated[at] = Math.floor(random.fraction(256));
  }
  return random.chance(0.3) ? mutated.subarray(0, Math.floor(random.fraction(mutated.length + 1))) : mutated;
}
