import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertFullyComposed, compose, composeUnder } from "../../src/yaml/compose.ts";
import { absent } from "../oracle/oracle.ts";
import { type Answer, answered, askEach } from "../oracle/python.ts";
import { type Placed, placed, read } from "./nodes.ts";

const composed = (base: string, over: string) => compose(read(base, "base"), read(over, "over")).toPlain();

test("later values win, keys keep their order", () => {
  const result = compose(read("a: 1\nb: {c: 2, d: 3}\ne: [4]", "base"), read("f: 5\nb: {d: 6, g: 7}\ne: [8]", "over"));
  expect(result.toPlain()).toEqual({ a: "1", b: { c: "2", d: "6", g: "7" }, e: ["8"], f: "5" });
  expect(result.keys()).toEqual(["a", "b", "e", "f"]);
  expect(result.provenance).toBe("over [line 1 column 0]");
  expect(result.get("a")?.provenance).toBe("base [line 1 column 3]");
});

test("nothing is changed or copied that can be shared", () => {
  const base = read("a: {b: [c]}\nd: {e: f}", "base");
  const over = read("d: {g: h}\ni: {j: k}", "over");
  const result = compose(base, over);
  expect(result.get("a")).toBe(base.get("a"));
  expect(result.get("i")).toBe(over.get("i"));
  expect(base.toPlain()).toEqual({ a: { b: ["c"] }, d: { e: "f" } });
});

test("list directives change lists", () => {
  expect(composed("a: [x]", "a: {(>): [y], (<): [w]}")).toEqual({ a: ["w", "x", "y"] });
  expect(composed("a: [x]", "a: {(=): [y], (>): [z]}")).toEqual({ a: ["y", "z"] });
  expect(composed("a: {(>): [x]}", "a: {(>): [y]}")).toEqual({ a: { "(>)": ["x", "y"] } });
  expect(composed("a: {(<): [x], (>): [z]}", "a: {(=): [y]}")).toEqual({ a: { "(<)": [], "(>)": [], "(=)": ["y"] } });
  expect(composed("b: 1", "a: {(>): [y]}")).toEqual({ b: "1", a: { "(>)": ["y"] } });
});

test("conditions are collected", () => {
  expect(composed("(?): [{a: {}}]", "(?): [{b: {}}]")).toEqual({ "(?)": [{ a: {} }, { b: {} }] });
});

test.each([
  ["a: [x]", "a: y", "illegal-composite"],
  ["a: {b: c}", "a: y", "illegal-composite"],
  ["a: y", "a: [x]", "illegal-composite"],
  ["a: {b: c}", "a: [x]", "illegal-composite"],
  ["a: {b: c}", "a: {(>): [x]}", "illegal-composite"],
  ["a: y", "a: {b: c}", "illegal-composite"],
  ["a: [y]", "a: {b: c}", "illegal-composite"],
  ["a: [y]", "a: {(>): [x], b: c}", "invalid-data"],
  ["a: [y]", "a: {(>): x}", "invalid-data"],
])("%s and %s do not go together", (base, over, reason) => {
  expect(() => composed(base, over)).toThrow(expect.objectContaining({ reason }));
});

test("the way to what does not go together is told", () => {
  const clash = () => composed("a: {b: {c: [x]}}", "\na: {b: {c: y}}");
  expect(clash).toThrow(
    /^over \[line 2 column 0\]: .*'a', 'b', 'c'.*over \[line 2 column 11\].*base \[line 1 column 11\]/,
  );
});

test("under a dictionary its own keys stay first", () => {
  const over = read("x: 1\nb: {c: 2}", "over");
  const result = composeUnder(over, read("a: 0\nb: {d: 3, c: 4}\nx: 5", "base"));
  expect(result.toPlain()).toEqual({ x: "1", b: { d: "3", c: "2" }, a: "0" });
  expect(result.keys()).toEqual(["x", "b", "a"]);
});

test("a list directive that found no list is an error", () => {
  const node = read("a:\n- b:\n    (>): [c]", "f");
  expect(() => assertFullyComposed(node)).toThrow(expect.objectContaining({ reason: "trailing-list-directive" }));
  expect(() => assertFullyComposed(node)).toThrow(/^f \[line 3 column 9\]/);
  assertFullyComposed(read("a: [{b: c}]", "f"));
});

const { tree } = fc.letrec<Record<"tree" | "value", unknown>>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("1", "2"),
    fc.array(tie("value"), { maxLength: 2 }),
    tie("tree"),
    fc.dictionary(fc.constantFrom("(>)", "(<)", "(=)"), fc.array(tie("value"), { maxLength: 2 }), { minKeys: 1 }),
  ),
  tree: fc.dictionary(fc.constantFrom("a", "b", "c", "(?)"), tie("value"), { maxKeys: 3 }),
}));

const places = (message: string) => message.match(/\S+ \[line \d+ column \d+\]/g) ?? [];

describe.skipIf(absent !== undefined)(`as BuildStream composes (${absent ?? "compared"})`, () => {
  test("random trees", { timeout: 120_000 }, () => {
    const triples = fc.sample(fc.tuple(tree, tree, tree, fc.boolean()), { numRuns: 4000, seed: 11 });
    // Each on a line of its own, so that places differ.
    const questions = triples.map(([a, b, c, isUnder]) => ({
      texts: [a, b, c].map((value, i) => "\n".repeat(i) + JSON.stringify(value)),
      isUnder,
    }));
    const answers = askEach<Placed>(
      `
from yaml_nodes import placed, read
def answer(question):
    a, b, c = (read(text, name) for text, name in zip(question["texts"], "abc"))
    if question["isUnder"]:
        a._composite_under(b)
        c._composite(b)
        return placed(b)
    b._composite(a)
    c._composite(a)
    a._assert_fully_composited()
    return placed(a)
`,
      questions,
    );
    const ours = questions.map(({ texts, isUnder }) => {
      const [a, b, c] = texts.map((text, i) => read(text, "abc".charAt(i)));
      if (a === undefined || b === undefined || c === undefined) throw new Error("a text is missing");
      return answered(() => {
        if (isUnder) return placed(compose(composeUnder(b, a), c));
        const result = compose(compose(a, b), c);
        assertFullyComposed(result);
        return placed(result);
      });
    });
    const told = ({ value, error }: Answer<Placed>) => (error === undefined ? value : [error[1], places(error[2])]);
    let read_ = 0;
    for (const [i, answer] of answers.entries()) {
      // BuildStream breaks down where a dictionary is composed on a text or a list.
      if (answer.error !== undefined && answer.error[1] === null) continue;
      read_ += answer.error === undefined ? 1 : 0;
      expect(told(ours[i] ?? answer), JSON.stringify(questions[i])).toEqual(told(answer));
    }
    expect(read_).toBeGreaterThan(500);
  });
});
