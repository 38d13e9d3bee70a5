import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoadError } from "../../src/base/errors.ts";
import { glob, globPattern } from "../../src/base/glob.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";

test.each([
  ["*.c", ["a.c", ".c"], ["a.h", "b/a.c"]],
  ["**.c", ["a.c", "b/a.c"], ["a.h"]],
  ["/usr/**/*.so", ["usr/lib/a.so", "/usr/lib/x/a.so"], ["usr/a.so", "usr/lib/a.so.1"]],
  ["a?c", ["abc", "a😀c", "a\nc"], ["a/c", "ac"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
  ["[!a-c]x", ["dx", "-x"], ["ax", "/x"]],
  ["[]-]", ["]", "-"], ["a"]],
  ["[^a]", ["^", "a"], ["b"]],
  ["[a", ["[a"], ["a"]],
  ["(a|b)+.$", ["(a|b)+.$"], ["a"]],
  ["\\*", ["\\x"], ["*"]],
])("%s", (pattern, matching, others) => {
  expect(glob([...matching, ...others], pattern)).toEqual(matching);
});

test("a range the wrong way round is an error", () => {
  expect(() => globPattern("a[z-b]")).toThrow(LoadError);
});

test("many patterns against many paths take little time", () => {
  const patterns = ["/usr/bin/**", "/usr/lib/**/*.a", "/usr/share/{doc,man}/**", "**/*.la", "/usr/lib/lib*.so*"];
  const many = patterns.flatMap((pattern) => Array.from({ length: 8 }, (_, i) => pattern.replace("usr", `usr${i}`)));
  const expression = new RegExp(`^(?:${many.map(globPattern).join("|")})$`, "u");
  const paths = Array.from(
    { length: 6000 },
    (_, i) => `/usr${i % 9}/lib/package-${i}/modules/file-${i}.${i % 2 ? "a" : "o"}`,
  );
  const begin = performance.now();
  const found = paths.filter((path) => expression.test(path)).length;
  expect(found).toBeGreaterThan(2000);
  expect(performance.now() - begin).toBeLessThan(500);
});

const alphabet = [
  "a",
  "b",
  "c",
  "/",
  "*",
  "**",
  "?",
  "[",
  "]",
  "!",
  "^",
  "-",
  "\\",
  ".",
  "\n",
  "+",
  "😀",
  "&",
  "~",
  "|",
];
const patterns = fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
const path = fc.array(fc.constantFrom("a", "b", "c", "/", "\n", "-", "]", "^", "!", "\\", "😀", "["), { maxLength: 5 });

test.skipIf(absent !== undefined)(`random patterns match what they do in BuildStream (${absent ?? "compared"})`, () => {
  const paths = fc.sample(path, { numRuns: 400, seed: 2 }).map((parts) => parts.join(""));
  const questions = fc.sample(patterns, { numRuns: 3000, seed: 3 });
  // Many patterns find nothing in random paths, but nearly all match a variation of themselves.
  const candidates = (pattern: string) => [
    ...paths,
    pattern,
    pattern.replace(/\*+/g, "a/b"),
    pattern.replace(/[*?[\]!]/g, ""),
  ];
  const answers = askEach<number[]>(
    `
import warnings
warnings.simplefilter("ignore")
from buildstream import utils
def answer(question):
    numbered = [path for path in question[1]]
    found = set(utils.glob(numbered, question[0]))
    return [i for i, path in enumerate(numbered) if path in found]
`,
    questions.map((pattern) => [pattern, candidates(pattern)]),
  );
  let matched = 0;
  for (const [i, answer] of answers.entries()) {
    const pattern = questions[i] ?? "";
    if (answer.error !== undefined) {
      expect(() => globPattern(pattern), pattern).toThrow(LoadError);
      continue;
    }
    const all = candidates(pattern);
    const found = new Set(glob(all, pattern));
    const ours = all.flatMap((candidate, index) => (found.has(candidate) ? [index] : []));
    expect(ours, JSON.stringify(pattern)).toEqual(answer.value);
    matched += ours.length;
  }
  expect(matched).toBeGreaterThan(3000);
});

describe.skipIf(absent !== undefined)(`lists of patterns (${absent ?? "compared"})`, () => {
  test("match whole paths, whatever lines these have", () => {
    const [answer] = askEach<boolean[]>(
      `
import re
from buildstream import utils
def answer(question):
    expression = re.compile("^(?:" + "|".join([utils._glob2re(rule) for rule in question[0]]) + ")$", re.MULTILINE | re.DOTALL)
    return [bool(expression.match(path)) for path in question[1]]
`,
      [
        [
          ["/a/*", "/b"],
          ["/a/x", "/a/x\n", "/a/x\n/b", "/b", "/b\n", "\n/b", "/b\nc", "x/b"],
        ],
      ],
    );
    const expression = new RegExp(`^(?:${["/a/*", "/b"].map(globPattern).join("|")})$`, "u");
    const paths = ["/a/x", "/a/x\n", "/a/x\n/b", "/b", "/b\n", "\n/b", "/b\nc", "x/b"];
    expect(paths.map((path) => expression.test(path))).toEqual(answer?.value);
  });
});
