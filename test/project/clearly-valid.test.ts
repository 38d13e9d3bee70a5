import { Ajv } from "ajv";
import fc from "fast-check";
import { expect, it } from "vitest";
import { bool, type JsonSchema, listOf, oneOf, record, text, textList, textMap } from "../../src/base/schema.ts";
import { elementKinds } from "../../src/elements/index.ts";
import { isClearlyValid } from "../../src/project/clearly-valid.ts";
import { sourceKinds } from "../../src/sources/index.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";

const ajv = new Ajv({ strict: true });
const schemas: JsonSchema[] = [
  ...[...elementKinds.values(), ...sourceKinds.values()].map(({ schema }) => schema),
  record({ a: text, b: bool, c: textList, d: textMap, e: oneOf("x", "y"), f: listOf(record({ a: text }, ["a"])) }, [
    "a",
  ]),
  { type: "object", additionalProperties: listOf(text) },
  { type: "object", minProperties: 1 },
];
const checks = schemas.map((schema) => ({ schema, check: ajv.compile(schema) }));

const names = schemas.flatMap(({ properties }) =>
  typeof properties === "object" ? Object.keys(properties ?? {}) : [],
);
const scalar = fc.constantFrom("", "x", "True", "0", "text");
const { value } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names, "toString", "__proto__"), tie("value"), { maxKeys: 3 }),
  ),
}));
const configuration = fc.dictionary(fc.constantFrom(...names, "constructor"), value, { maxKeys: 4 });

it("is what ajv says, where it says yes; and it says yes to what is simple", () => {
  let clear = 0;
  fc.assert(
    fc.property(configuration, fc.constantFrom(...checks), (config, { schema, check }) => {
      const isClear = isClearlyValid(mappingFrom(config), schema);
      if (isClear) clear++;
      expect(isClear && !check(config)).toBe(false);
    }),
    { numRuns: 5000 },
  );
  expect(clear).toBeGreaterThan(200);
  expect(isClearlyValid(mappingFrom({ path: "x" }), record({ path: text }, ["path"]))).toBe(true);
});
