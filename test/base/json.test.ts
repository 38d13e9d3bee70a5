import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, compareCodePoints, type KeyValue, keyOf } from "../../src/base/json.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";

test("keys are in order, and nothing is outside of ASCII", () => {
  expect(canonicalJson({ b: [1, true, null, "x"], a: { "\u00e9": '/\u007f\u0080\n"\\' } })).toBe(
    '{"a":{"\\u00e9":"/\u007f\\u0080\\n\\"\\\\"},"b":[1,true,null,"x"]}',
  );
  expect(canonicalJson({ "10": "a", "9": "b", B: "c", a: "d" })).toBe('{"10":"a","9":"b","B":"c","a":"d"}');
});

test("order is by code points, not by units", () => {
  const sorted = ["", "a", "aa", "b", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10000}a", "\u{1f600}"];
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(i - j));
  }
});

test("a key is the SHA-256 of the text", () => {
  expect(keyOf({})).toBe("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
});

test.skipIf(absent !== undefined)(`keys are BuildStream's (${absent ?? "compared"})`, () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.constantFrom("é", "\u007f", "😀\ue000", "</a>", "\u2028"),
  );
  const { value } = fc.letrec<{ value: KeyValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.constantFrom<KeyValue[]>(true, false, null, 0, -1, 4096, 1_234_567_890_123),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  const values = fc.sample(value, { numRuns: 2000, seed: 3 });
  const answers = askEach<string>(
    `
from buildstream import _cachekey
def answer(value):
    return _cachekey.generate_key(json.loads(value))
`,
    values.map((item) => JSON.stringify(item)),
  );
  let compared = 0;
  for (const [i, answer] of answers.entries()) {
    // Halves of characters are no text for Python.
    if (answer.error !== undefined) continue;
    compared++;
    const item = values[i] ?? null;
    expect(keyOf(item), JSON.stringify(item)).toBe(answer.value);
  }
  expect(compared).toBeGreaterThan(1900);
});
