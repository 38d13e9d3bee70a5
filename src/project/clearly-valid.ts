/** The short way to check a configuration by a schema, for what is right. */
import type { JsonSchema } from "../base/schema.ts";
import type { Node } from "../yaml/node.ts";

/**
 * Whether it is clear at a glance that the node is right. It is for nearly all nodes and schemas, and then the schema
 * need not be compiled, which takes longer than everything else here.
 */
export function isClearlyValid(node: Node, schema: JsonSchema): boolean {
  const { type, enum: values, items, properties, required, additionalProperties, ...others } = schema;
  if (Object.keys(others).length > 0) return false;
  if (type === "string") return node.type === "scalar" && (!Array.isArray(values) || values.includes(node.value));
  if (type === "array") return node.type === "sequence" && node.items.every((item) => isClear(item, items));
  if (type !== "object" || node.type !== "mapping") return false;
  if (Array.isArray(required) && !required.every((key) => node.has(key))) return false;
  const known = (isSchema(properties) ? properties : {}) as Record<string, unknown>;
  for (const [key, value] of node.entries) {
    if (!isClear(value, Object.hasOwn(known, key) ? known[key] : additionalProperties)) return false;
  }
  return true;
}

function isClear(node: Node, schema: unknown): boolean {
  return isSchema(schema) && isClearlyValid(node, schema);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
