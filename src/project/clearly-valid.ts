/** The short way to check a configuration by a schema, for what is right. */
import { rememberedBy } from "../base/remember.ts";
import type { JsonSchema } from "../base/schema.ts";
import type { Node } from "../yaml/node.ts";

type Check = (node: Node) => boolean;

/**
 * Whether it is clear at a glance that the node is right. It is for nearly all nodes and schemas, and then the schema
 * need not be compiled by ajv, which takes longer than everything else here.
 */
export function isClearlyValid(node: Node, schema: JsonSchema): boolean {
  return checkOf(schema)(node);
}

const never: Check = () => false;

const checkOf = rememberedBy((schema: JsonSchema): Check => {
  const { type, enum: values, items, properties, required, additionalProperties, ...others } = schema;
  if (Object.keys(others).length > 0) return never;
  switch (type) {
    case "string": {
      const known = Array.isArray(values) ? new Set<unknown>(values) : undefined;
      return (node) => node.type === "scalar" && (known === undefined || known.has(node.value));
    }
    case "array": {
      const item = checkOfPart(items);
      return (node) => node.type === "sequence" && node.items.every(item);
    }
    case "object": {
      const keys: readonly string[] = Array.isArray(required) ? required : [];
      const known = new Map(
        Object.entries(isSchema(properties) ? properties : {}).map(([k, v]) => [k, checkOfPart(v)]),
      );
      const other = checkOfPart(additionalProperties);
      return (node) => {
        if (node.type !== "mapping" || !keys.every((key) => node.has(key))) return false;
        for (const [key, value] of node.entries) if (!(known.get(key) ?? other)(value)) return false;
        return true;
      };
    }
    default:
      return never;
  }
});

function checkOfPart(schema: unknown): Check {
  return isSchema(schema) ? checkOf(schema) : never;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
