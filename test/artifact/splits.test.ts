/** Split domains and whitelists choose what BuildStream's regular expressions choose. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlapWhitelist, splitFilter } from "../../src/artifact/splits.ts";
import type { SplitSelection } from "../../src/project/element-kind.ts";
import { mappingFrom } from "../../src/yaml/node.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";

const RULES = mappingFrom({
  runtime: ["/usr/bin", "/usr/bin/*", "/usr/lib/lib*.so*"],
  devel: ["/usr/include", "/usr/include/**", "/usr/lib/lib*.so"],
  empty: [],
});
const PATHS = [
  "usr/bin",
  "usr/bin/sh",
  "usr/bin/sub/deep",
  "usr/include/a/b.h",
  "usr/lib/libx.so",
  "usr/lib/libx.so.1",
  "etc",
];

function selected(selection: SplitSelection): string[] {
  const filter = splitFilter(RULES, selection);
  return PATHS.filter((path) => filter?.(path) ?? true);
}

describe("split domains", () => {
  test("take everything without a selection", () => {
    expect(splitFilter(RULES, {})).toBeUndefined();
    expect(splitFilter(RULES, { include: [], exclude: [], orphans: true })).toBeUndefined();
  });

  test("include, exclude and leave orphans", () => {
    expect(selected({ include: ["runtime"], orphans: false })).toEqual([
      "usr/bin",
      "usr/bin/sh",
      "usr/lib/libx.so",
      "usr/lib/libx.so.1",
    ]);
    // What belongs to two domains is out if one of them is.
    expect(selected({ exclude: ["devel"] })).toEqual([
      "usr/bin",
      "usr/bin/sh",
      "usr/bin/sub/deep",
      "usr/lib/libx.so.1",
      "etc",
    ]);
    expect(selected({ orphans: false })).not.toContain("etc");
    expect(selected({ include: ["unknown"], orphans: true })).toEqual(["usr/bin/sub/deep", "etc"]);
    expect(selected({ include: ["unknown"], orphans: false })).toEqual([]);
  });

  test.skipIf(absent)("choose as BuildStream does", () => {
    const segment = fc.constantFrom(
      "usr",
      "lib",
      "a",
      "b",
      "a\nb",
      "x.so",
      "-",
      "]",
      "[",
      "é",
      "\u{1f600}",
      "^",
      "+",
      "a b",
    );
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const piece = fc.oneof(
      { weight: 3, arbitrary: segment },
      fc.constantFrom(
        "*",
        "**",
        "?",
        "[a-c]",
        "[!a]",
        "[]a]",
        "[!]]",
        "[^a]",
        "[a",
        "[\\]",
        "/",
        ".",
        "|",
        "$",
        "(",
        "{2}",
      ),
    );
    const rule = fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join("")}`);
    const names = ["one", "two", "three", "four"];
    const domains = fc.subarray([...names, "unknown"]);
    const question = fc.record({
      rules: fc.dictionary(fc.constantFrom(...names), fc.array(rule, { maxLength: 4 }), { noNullPrototype: true }),
      include: domains,
      exclude: domains,
      orphans: fc.boolean(),
      paths: fc.uniqueArray(path, { minLength: 5, maxLength: 12 }),
    });
    const questions = fc.sample(question, { numRuns: 1000, seed: 11 });
    const script = `
from buildstream import Element
from buildstream.node import Node
def answer(question):
    element = object.__new__(Element)
    element._Element__splits = None
    data = Node.from_dict({"split-rules": question["rules"]})
    element.get_public_data = lambda domain: data
    chosen = element._Element__split_filter_func(question["include"], question["exclude"], question["orphans"])
    return [bool(chosen(path)) if chosen else True for path in question["paths"]]
`;
    const answers = askEach<boolean[]>(script, questions);
    let chosen = 0;
    let refused = 0;
    for (const [index, { rules, paths, ...selection }] of questions.entries()) {
      // An empty range, over which BuildStream stumbles.
      if (answers[index]?.error !== undefined) continue;
      const filter = splitFilter(mappingFrom(rules), selection);
      const ours = paths.map((each) => filter?.(each) ?? true);
      expect({ question: questions[index], value: ours }).toEqual({ question: questions[index], ...answers[index] });
      chosen += ours.filter(Boolean).length;
      refused += ours.length - ours.filter(Boolean).length;
    }
    expect(Math.min(chosen, refused)).toBeGreaterThan(300);
  });
});

describe("whitelists of overlaps", () => {
  test("match whole paths", () => {
    const isListed = overlapWhitelist(mappingFrom({ bst: { "overlap-whitelist": ["/etc/*.conf", "/usr/**"] } }));
    expect(["etc/a.conf", "etc/a/b.conf", "etc/a.conf.d", "usr/x/y", "usr"].filter(isListed)).toEqual([
      "etc/a.conf",
      "usr/x/y",
    ]);
    expect(overlapWhitelist(mappingFrom({}))("etc/a.conf")).toBe(false);
  });
});
