import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoadError } from "../../src/base/errors.ts";
import { Variables } from "../../src/project/variables.ts";
import { type MappingNode, mappingFrom, type ScalarNode } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { absent } from "../oracle/oracle.ts";
import { type Answer, answered, askEach } from "../oracle/python.ts";
import { read } from "../yaml/nodes.ts";

function load(text: string): MappingNode {
  return parseYaml(text, { path: "/p/a.bst", shortName: "a.bst", displayName: "a.bst" });
}

function failure(action: () => unknown): LoadError {
  try {
    action();
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("values", () => {
  test("references are replaced, through other variables", () => {
    const variables = new Variables(mappingFrom({ a: "<%{b}-%{c}>", b: "%{c}%{c}", c: "x" }));
    expect([...variables]).toEqual([
      ["a", "<xx-x>"],
      ["b", "xx"],
      ["c", "x"],
    ]);
    expect(variables.get("nothing")).toBeUndefined();
    expect(variables.has("a")).toBe(true);
    expect(variables.has("nothing")).toBe(false);
  });

  test("what is no reference stays as it is", () => {
    const text = "%{ a } %{1a} %a {a} %{} %%{a}";
    expect(new Variables(mappingFrom({ a: "x", b: text })).get("b")).toBe("%{ a } %{1a} %a {a} %{} %x");
  });

  test("names that objects have of themselves are names like others", () => {
    expect(new Variables(mappingFrom({ constructor: "c", a: "%{constructor}" })).get("a")).toBe("c");
    expect(failure(() => new Variables(mappingFrom({ a: "%{toString}" })).get("a")).reason).toBe("unresolved-variable");
  });

  test.each([true, false])("a chain of 50,000 references does not overflow the stack (ascending: %s)", (ascending) => {
    const names = Array.from({ length: 50_000 }, (_, i) => i);
    if (!ascending) names.reverse();
    const node = mappingFrom(Object.fromEntries(names.map((i) => [`v${i}`, i === 49_999 ? "end" : `%{v${i + 1}}.`])));
    const variables = new Variables(node);
    variables.check();
    expect(variables.get("v0")?.length).toBe(50_002);
  });

  test("values that double a hundred times over are found in linear time where they are wrong", () => {
    const node: Record<string, string> = { root: "%{bad}%{v0}", bad: "%{bad2}", bad2: "%{missing}" };
    for (let i = 0; i < 60; i++) node[`v${i}`] = `%{v${i + 1}}%{v${i + 1}}`;
    Object.assign(node, { v60: "%{empty}", empty: "" });
    const error = failure(() => new Variables(mappingFrom(node)).get("root"));
    expect(error.message).toContain("missing");
  });

  test("notparallel makes max-jobs 1", () => {
    const jobs = (text: string) => [...new Variables(load(text))];
    expect(jobs("max-jobs: 8\nnotparallel: True\na: -j%{max-jobs}")).toEqual([
      ["max-jobs", "1"],
      ["notparallel", "True"],
      ["a", "-j1"],
    ]);
    expect(jobs("notparallel: 1")).toEqual([
      ["notparallel", "1"],
      ["max-jobs", "1"],
    ]);
    expect(new Variables(load("max-jobs: 8\nnotparallel: False")).get("max-jobs")).toBe("8");
    expect(failure(() => new Variables(load("notparallel: maybe"))).reason).toBe("invalid-data");
  });
});

describe("expansion", () => {
  const variables = new Variables(mappingFrom({ a: "x" }));

  test("returns a new tree at the same places and shares what has no references", () => {
    const node = load("same:\n  k: [1, 2]\nother:\n- y: '%{a}%{a}'\n- z\n");
    const expanded = variables.expand(node);
    expect(expanded.toPlain()).toEqual({ same: { k: ["1", "2"] }, other: [{ y: "xx" }, "z"] });
    expect(expanded.get("same")).toBe(node.get("same"));
    expect(expanded.sequence("other")?.items[1]).toBe(node.sequence("other")?.items[1]);
    const [first] = expanded.sequence("other")?.items ?? [];
    expect((first as MappingNode).scalar("y")?.provenance).toBe("a.bst [line 4 column 5]");
    expect(node.toPlain()).toHaveProperty("other", [{ y: "%{a}%{a}" }, "z"]);
    expect(variables.expand(load("k: v"))).toEqual(load("k: v"));
  });

  test("spaces around a replaced text are kept", () => {
    const spaced = new Variables(mappingFrom({ a: "", b: "b %{a}" }));
    expect(spaced.expand(mappingFrom({ k: "%{b}" })).string("k")).toBe("b ");
  });

  test("an unknown name is told with the place that refers to it", () => {
    const node = load("first:\n  k: '%{nothing}'");
    const error = failure(() => variables.expand(node));
    expect(error.reason).toBe("unresolved-variable");
    expect(error.message).toMatch(/^a\.bst \[line 2 column 5\]: .*'nothing'/);
  });
});

describe("errors", () => {
  test("a variable must be a single value", () => {
    const error = failure(() => new Variables(load("a: x\nb: [1]")));
    expect(error.reason).toBe("invalid-data");
    expect(error.message).toMatch(/^a\.bst \[line 2 column 3\]/);
  });

  test("a circle is told step by step", () => {
    const error = failure(() => new Variables(load("a: '%{b}'\nb: '%{c}'\nc: '%{d}'\nd: '%{b}'")).check());
    expect(error.reason).toBe("circular-reference-variable");
    expect(error.detail?.split("\n")).toEqual([
      "a.bst [line 2 column 3]: 'b' refers to 'c'",
      "a.bst [line 3 column 3]: 'c' refers to 'd'",
      "a.bst [line 4 column 3]: 'd' refers to 'b'",
    ]);
  });
});

const names = ["a", "b", "c", "d", "e", "f"];
const text = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...names) }, fc.constantFrom("g", "", " ", "%{", "}")), {
    maxLength: 3,
  })
  .map((parts) => parts.map((part) => (/^[a-g]$/.test(part) ? `%{${part}}` : part)).join("-"));
const cases = fc.tuple(fc.uniqueArray(fc.tuple(fc.constantFrom(...names), text), { selector: ([key]) => key }), text);

// Only what the fault is and where: the words are our own.
const places = (message: string) => message.match(/\S+ \[line \d+ column \d+\]/g) ?? [];

describe.skipIf(absent !== undefined)(`as BuildStream resolves them (${absent ?? "compared"})`, () => {
  test("random variables", { timeout: 120_000 }, () => {
    const questions = fc.sample(cases, { numRuns: 4000, seed: 7 }).map(([variables, value]) => ({
      variables: variables.map(([key, content]) => `${key}: '${content}'\n`).join(""),
      value: `k: '${value}'\n`,
    }));
    const answers = askEach<[Record<string, string>, string]>(
      `
from buildstream._variables import Variables
from yaml_nodes import read
def answer(question):
    variables = Variables(read(question["variables"], "v.bst"))
    node = read(question["value"], "k.bst")
    variables.expand(node)
    variables.check()
    return [dict(variables), node.get_str("k")]
`,
      questions,
    );
    const ours = questions.map(({ variables, value }) =>
      answered(() => {
        const resolved = new Variables(read(variables, "v.bst"));
        const node = resolved.expand(read(value, "k.bst"));
        resolved.check();
        return [Object.fromEntries(resolved), (node.get("k") as ScalarNode).value];
      }),
    );
    const told = ({ value, error }: Answer<unknown>) =>
      error === undefined ? value : [error[1], places(error[2]), places(error[3] ?? "")];
    for (const [i, question] of questions.entries()) {
      const theirs = answers[i];
      if (theirs === undefined) throw new Error("an answer is missing");
      expect(told(ours[i] ?? theirs), JSON.stringify(question)).toEqual(told(theirs));
    }
    expect(answers.filter((answer) => answer.error === undefined).length).toBeGreaterThan(300);
  });
});
