import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OptionPool } from "../../src/project/options.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { type Answer, answered, askEach } from "../oracle/python.ts";
import { type Placed, placed, read } from "../yaml/nodes.ts";

interface Question {
  readonly options: string;
  readonly values?: string;
  readonly commandLine?: readonly [string, string][];
  readonly ignoreUnknown?: boolean;
  readonly config?: string;
  readonly restricted?: readonly string[];
  readonly uname?: string;
  readonly elements?: string;
}

interface Result {
  readonly text: [string, string][];
  readonly config: Placed;
  readonly variables: string[][];
}

let elements = "";
beforeEach(() => {
  if (elements !== "") return;
  elements = tempDir("elements");
  writeFiles(elements, { "b.bst": "", "a/c.bst": "", "a/d.txt": "", "folder.bst/e.bst": "", "..bst": "" });
  mkdirSync(join(elements, "empty"));
  symlinkSync("a", join(elements, "to-folder"));
  symlinkSync("b.bst", join(elements, "to-file.bst"));
});
afterEach(() => vi.unstubAllEnvs());

function answer(question: Question): Result {
  vi.stubEnv("BST_TS_UNAME", question.uname ?? "Linux|x86_64");
  const pool = new OptionPool(question.elements ?? elements);
  pool.load(read(question.options, "options"));
  if (question.values !== undefined) pool.loadYamlValues(read(question.values, "values"));
  pool.loadCommandLine(question.commandLine ?? [], { ignoreUnknown: question.ignoreUnknown ?? false });
  pool.resolve();
  const restricted = question.restricted ?? [];
  return {
    text: pool.printable(),
    config: placed(pool.process(read(question.config ?? "{}", "config"), { restricted })),
    variables: [...pool.exportVariables(read("{old: x, kept: y}", "variables")).entries].map(([name, node]) => [
      name,
      node.type === "scalar" ? node.value : "",
      node.provenance,
    ]),
  };
}

const outcome = (question: Question) => answered(() => answer(question));

function theirs(questions: readonly Question[]): Answer<Result>[] {
  return askEach<Result>(
    `
import platform, warnings
warnings.simplefilter("ignore")
from buildstream._options import OptionPool
from yaml_nodes import placed, read
real = platform.uname()
def answer(question):
    system, machine = question.get("uname", "Linux|x86_64").split("|")
    platform.uname = lambda: real._replace(system=system, machine=machine)
    pool = OptionPool(question.get("elements", ${JSON.stringify(elements)}))
    pool.load(read(question["options"], "options"))
    if "values" in question:
        pool.load_yaml_values(read(question["values"], "values"))
    pool.load_cli_values(question.get("commandLine", []), ignore_unknown=question.get("ignoreUnknown", False))
    pool.resolve()
    config = read(question.get("config", "{}"), "config")
    pool.process_node(config, restricted=question.get("restricted", []))
    printable = {}
    pool.printable_variables(printable)
    variables = read("{old: x, kept: y}", "variables")
    pool.export_variables(variables)
    exported = [[name, value.as_str(), str(value.get_provenance())] for name, value in variables.items()]
    return {"text": [list(item) for item in printable.items()], "config": placed(config), "variables": exported}
`,
    questions,
  );
}

/** The places that a message names. */
const places = (message: string) => message.match(/\S+ \[(line \d+ column \d+|synthetic node)\]/g) ?? [];

function comparable({ value, error }: Answer<Result>): unknown {
  return error === undefined ? value : { reason: error[1], places: places(error[2]) };
}

const bool = "yes: {type: bool, description: d, default: True, variable: old}";
const choice = "arch: {type: enum, description: d, values: [x, y], default: x, variable: new}";
const flags = "flags: {type: flags, description: d, values: [b, a, c], default: [c, a], variable: flags}";
const mask = "mask: {type: element-mask, description: d, variable: mask}";
const arch = "machine: {type: arch, description: d, values: [i686, amd64, x86_64, aarch64], variable: machine}";
const os = "system: {type: os, description: d, values: [Linux, Darwin], variable: os}";

const GOOD: Readonly<Record<string, Question>> = {
  defaults: { options: `${bool}\n${choice}\n${flags}\n${mask}\n${arch}\n${os}` },
  "values of a configuration": {
    options: `${bool}\n${choice}\n${flags}\n${mask}\n${arch}\n${os}`,
    values: "yes: 0\narch: y\nflags: [c, a, b, a]\nmask: [b.bst, a/c.bst]\nmachine: i686\nsystem: Darwin",
  },
  "values of the command line": {
    options: `${bool}\n${choice}\n${flags}\n${mask}`,
    values: "arch: x",
    commandLine: [
      ["yes", "false"],
      ["arch", "y"],
      ["flags", " b ,a"],
      ["mask", "folder.bst,folder.bst/e.bst,to-file.bst"],
    ],
  },
  "an unknown option in the first pass": { options: bool, commandLine: [["other", "1"]], ignoreUnknown: true },
  "another machine": { options: `${arch}\n${os}`, uname: "Darwin|aarch64" },
  "a machine without a value, which is given": { options: arch, uname: "Linux|ppc64le", values: "machine: i686" },
  "conditions see the values": {
    options: `${bool}\n${choice}\n${flags}`,
    config: "a: 1\n(?):\n- yes: {b: 2}\n- arch == 'y': {b: 3}\n- '\"a\" in flags':\n    a: 4\nc: 5",
  },
};

const BAD: Readonly<Record<string, Question>> = {
  "an unknown type": { options: "a: {type: x, description: d}" },
  "no type": { options: "a: {description: d}" },
  "no description": { options: "a: {type: bool, default: True}" },
  "no default": { options: "a: {type: bool, description: d}" },
  "a default that is no boolean": { options: "a: {type: bool, description: d, default: maybe}" },
  "an unknown key": { options: "a: {type: bool, description: d, default: True, values: []}" },
  "a name with a dash": { options: "a-b: {type: bool, description: d, default: True}" },
  "a variable with a space": { options: "a: {type: bool, description: d, default: True, variable: b c}" },
  "no values": { options: "a: {type: enum, description: d, default: x}" },
  "empty values": { options: "a: {type: flags, description: d, values: []}" },
  "a default that is no value": { options: "a: {type: enum, description: d, values: [x], default: z}" },
  "a default flag that is no value": { options: "a: {type: flags, description: d, values: [x], default: [x, z]}" },
  "a default of arch": { options: "a: {type: arch, description: d, values: [i686], default: i686}" },
  "values of element-mask": { options: "a: {type: element-mask, description: d, values: [b.bst]}" },
  "no elements": { options: mask, elements: "/nowhere/at/all" },
  "an unknown architecture": { options: "a:\n  type: arch\n  description: d\n  values:\n  - x86_64\n  - pdp11" },
  "an unknown machine": { options: arch, uname: "Linux|pdp11" },
  "a machine without a value": { options: arch, uname: "Linux|ppc64le" },
  "a system without a value": { options: os, uname: "linux|x86_64" },
  "an unknown option": { options: bool, values: "yes: True\nno: True" },
  "an unknown option on the command line": { options: bool, commandLine: [["no", "True"]] },
  "a wrong value": { options: choice, values: "arch: z" },
  "a wrong kind of value": { options: choice, values: "arch: [x]" },
  "a wrong flag": { options: flags, values: "flags: [a, z]" },
  "a flag that is no list": { options: flags, values: "flags: a" },
  "a wrong boolean": { options: bool, values: "yes: maybe" },
  "a number for a boolean on the command line": { options: bool, commandLine: [["yes", "1"]] },
  "a wrong value on the command line": { options: choice, commandLine: [["arch", "z"]] },
  "no flag on the command line": { options: flags, commandLine: [["flags", ""]] },
  "an assertion": { options: bool, config: "a: 1\n(?):\n- yes:\n    (!): |\n      Not so.\n" },
  "a wrong expression": { options: bool, config: "a:\n  (?):\n  - nothing: {a: 1}" },
  "two keys": { options: bool, config: "(?):\n- {yes: {}, not yes: {}}" },
  "a list below a condition": { options: bool, config: "(?):\n- not yes: [a]" },
  "a restricted key": { options: bool, config: "(?):\n- not yes: {a: 1,\n   name: x}", restricted: ["name"] },
  "no list of conditions": { options: bool, config: "(?): {yes: {}}" },
  "values that do not compose": { options: bool, config: "a: {b: 1}\n(?):\n- yes:\n    a: [1]" },
};

test("defaults and values", () => {
  const { options } = GOOD["defaults"] ?? { options: "" };
  expect(answer({ options }).text).toEqual([
    ["arch", "x"],
    ["flags", "c,a"],
    ["machine", "amd64"],
    ["mask", ""],
    ["system", "Linux"],
    ["yes", "1"],
  ]);
  expect(answer({ options, commandLine: [["flags", " c, a "]] }).text[1]).toEqual(["flags", "a,c"]);
});

test.each(Object.entries(BAD))("%s is an error", (_, question) => {
  const { error } = outcome(question);
  expect(error).toBeDefined();
});

test.each([
  ["conditions that are no dictionaries", "(?): [yes]"],
  ["a condition without an expression", "(?):\n- {}"],
])("%s are an error, where BuildStream breaks down", (_, config) => {
  expect(outcome({ options: bool, config }).error?.[1]).toBe("invalid-data");
});

test("a tree without conditions is returned as it is", () => {
  const pool = new OptionPool(elements);
  const config = read("a: {b: [1, 2]}\nc:\n  (?):\n  - '1 == 2': {d: 1}", "config");
  pool.resolve();
  const result = pool.process(config);
  expect(result.get("a")).toBe(config.get("a"));
  expect(result.toPlain()).toEqual({ a: { b: ["1", "2"] }, c: {} });
  expect(config.mapping("c")?.has("(?)")).toBe(true);
  expect(pool.process(result)).toBe(result);
});

const { tree } = fc.letrec<Record<"tree" | "value" | "list", unknown>>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom("1", "2", ""),
    tie("tree"),
    fc.array(tie("value"), { maxLength: 2 }),
  ),
  list: fc.array(tie("value"), { maxLength: 2 }),
  tree: fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c"), tie("value")), {
        selector: ([key]) => key,
        maxLength: 3,
      }),
      fc.option(
        fc.array(
          fc.tuple(fc.constantFrom("yes", "yes", "not yes", "no"), fc.oneof(tie("tree"), tie("tree"), tie("value"))),
          {
            maxLength: 3,
          },
        ),
      ),
      fc.option(fc.tuple(fc.constantFrom("(>)", "(<)", "(=)"), tie("list")), { freq: 8 }),
      fc.nat(),
    )
    .map(([entries, conditions, change, at]) => {
      const all: [string, unknown][] = [...entries];
      if (conditions !== null) {
        const list = conditions.map(([expression, fragment]) => ({ [expression]: fragment }));
        all.splice(at % (all.length + 1), 0, ["(?)", list]);
      }
      if (change !== null && (at & 64) !== 0) return Object.fromEntries([change]);
      return Object.fromEntries(all);
    }),
}));

describe.skipIf(absent !== undefined)(`as BuildStream takes them (${absent ?? "compared"})`, () => {
  test("options", () => {
    const questions = Object.entries({ ...GOOD, ...BAD });
    for (const [i, answer] of theirs(questions.map(([, question]) => question)).entries()) {
      const [name, question] = questions[i] ?? ["", { options: "" }];
      expect({ name, ...(comparable(outcome(question)) as object) }).toEqual({
        name,
        ...(comparable(answer) as object),
      });
    }
  });

  test("random conditions", { timeout: 120_000 }, () => {
    const { TREES = "3000", SEED = "1" } = process.env;
    const options = `${bool}\nno: {type: bool, description: d, default: False}`;
    const questions = fc
      .sample(tree, { numRuns: Number(TREES), seed: Number(SEED) })
      .map((config): Question => ({ options, config: JSON.stringify(config), restricted: ["c"] }));
    let compared = 0;
    for (const [i, answer] of theirs(questions).entries()) {
      const question = questions[i] ?? { options };
      // A dictionary in place of a text makes BuildStream break down.
      if (answer.error !== undefined && answer.error[1] === null) continue;
      compared++;
      expect(comparable(outcome(question)), question.config ?? "").toEqual(comparable(answer));
    }
    expect(compared).toBeGreaterThan(questions.length * 0.8);
  });
});
