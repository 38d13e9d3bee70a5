/** Building blocks for the JSON schemas of configurations, in which YAML has only text, lists and dictionaries. */

/** A JSON schema; the building blocks below make one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** Any text. */
export const text: JsonSchema = { type: "string" };

/** The spellings of a boolean that the format has. */
export const bool: JsonSchema = { type: "string", enum: ["True", "true", "1", "False", "false", "0"] };

export const textList: JsonSchema = { type: "array", items: text };

export const textMap: JsonSchema = { type: "object", additionalProperties: text };

/** One of these texts. */
export function oneOf(...values: readonly string[]): JsonSchema {
  return { type: "string", enum: values };
}

/** A list of such items. */
export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

/** A dictionary with these keys and no others, of which some are required. */
export function record(
  properties: { readonly [key: string]: JsonSchema },
  required: readonly string[] = [],
): JsonSchema {
  return { type: "object", additionalProperties: false, properties, ...(required.length > 0 ? { required } : {}) };
}
