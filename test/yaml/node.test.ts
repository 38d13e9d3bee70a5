import { describe, expect, test } from "vitest";
import { MappingNode, mappingFrom, nodeFrom, ScalarNode, SequenceNode } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";

function read(text: string): MappingNode {
  return parseYaml(text, { path: "/f", shortName: "f", displayName: "f" });
}

const node = read(`text: x
number: ' -1_000 '
yes: True
one: 1
no: 'false'
list: [a, b]
mixed: [a, {b: c}, [d]]
dictionaries:
- {a: b}
dictionary: {a: b}
variable: '%{x}'
`);

describe("values", () => {
  test("of each type", () => {
    expect(node.string("text")).toBe("x");
    expect(node.int("number")).toBe(-1000);
    expect([node.bool("yes"), node.bool("one"), node.bool("no")]).toEqual([true, true, false]);
    expect(node.strings("list")).toEqual(["a", "b"]);
    expect(node.sequence("dictionaries")?.mappings()[0]?.toPlain()).toEqual({ a: "b" });
    expect(node.mapping("dictionary")?.keys()).toEqual(["a"]);
    expect(node.enum("text", ["w", "x"])).toBe("x");
  });

  test("that are missing", () => {
    for (const value of [node.string("z"), node.bool("z"), node.int("z"), node.strings("z"), node.enum("z", ["a"])]) {
      expect(value).toBeUndefined();
    }
    expect(() => node.required("z", node.string("z"))).toThrow(/^f \[line 1 column 0\]: .*'z'/);
    expect(node.required("text", node.string("text"))).toBe("x");
  });

  test.each([
    ["a list for a text", () => node.string("list"), "line 6 column 6"],
    ["a text for a list", () => node.sequence("text"), "line 1 column 6"],
    ["a text for a dictionary", () => node.mapping("text"), "line 1 column 6"],
    ["a word for a number", () => node.int("text"), "line 1 column 6"],
    ["a word for a truth value", () => node.bool("text"), "line 1 column 6"],
    ["another word", () => node.enum("text", ["a", "b"]), "line 1 column 6"],
    ["a dictionary in a list of texts", () => node.strings("mixed"), "line 7 column 11"],
    ["a text in a list of dictionaries", () => node.sequence("mixed")?.mappings(), "line 7 column 8"],
    ["an unknown key", () => node.mapping("dictionary")?.validateKeys(new Set(["b"])), "line 10 column 16"],
  ])("%s is an error at its place", (_, action, place) => {
    expect(action).toThrow(expect.objectContaining({ domain: "load", reason: "invalid-data" }));
    expect(action).toThrow(new RegExp(`^f \\[${place}\\]: `));
  });
});

describe("changes", () => {
  test("give new dictionaries", () => {
    const changed = node.with("text", new ScalarNode("y")).without("list", "other");
    expect(changed.keys()).toEqual(node.keys().filter((key) => key !== "list"));
    expect(changed.string("text")).toBe("y");
    expect(node.string("text")).toBe("x");
    expect(node.without("other")).toBe(node);
    expect(changed.provenance).toBe(node.provenance);
  });

  test("of texts keep the place", () => {
    const scalar = node.scalar("text");
    expect(scalar?.withValue("x")).toBe(scalar);
    expect(scalar?.withValue("y").provenance).toBe("f [line 1 column 6]");
  });
});

describe("what trees say of themselves", () => {
  test("whether they have references", () => {
    expect(node.expandable).toBe(true);
    expect(node.without("variable").expandable).toBe(false);
    expect(new SequenceNode([nodeFrom({ a: ["%{b}"] })]).expandable).toBe(true);
  });

  test.each(["(>)", "(<)", "(=)", "(?)", "(@)", "(!)"])("whether they have %s", (key) => {
    expect(mappingFrom({ a: [{ b: { [key]: [] } }] }).directives).toBe(true);
    expect(mappingFrom({ a: [{ b: [key] }] }).directives).toBe(false);
  });

  test("where they come from", () => {
    expect(new ScalarNode("x").provenance).toBe(" [synthetic node]");
    expect(new ScalarNode("x", node.file, 3).provenance).toBe("f [synthetic node]");
    expect(MappingNode.empty.isSynthetic).toBe(true);
    expect(node.isSynthetic).toBe(false);
  });
});

test("plain data and back", () => {
  const plain = { a: "b", c: ["d", { e: "f" }], constructor: "g" };
  expect(mappingFrom(plain).toPlain()).toEqual(plain);
  expect(Object.keys(read("__proto__: x\na: b").toPlain())).toEqual(["__proto__", "a"]);
});
