/** Turns the schemas that the program checks with into ones for editors: they see files before anything is resolved. */
import type { JsonSchema } from "../base/schema.ts";

const DIALECT = "http://json-schema.org/draft-07/schema#";
const LIST_DIRECTIVES = ["(>)", "(<)", "(=)"];

/** Anything that YAML has no more structure for: what an editor takes for a number or a boolean is text here. */
const SCALAR = { type: ["string", "number", "boolean", "null"] };
const VARIABLE = { type: "string", pattern: "%\\{" };

/**
 * A schema for files as they are written: with conditions, includes, assertions and list directives wherever they may
 * stand, variables in place of values, and keys missing that an include brings.
 */
export function editorSchema(title: string, schema: JsonSchema): JsonSchema {
  const definitions = new Definitions();
  const root = definitions.convert(schema);
  return { $schema: DIALECT, title, ...root, definitions: definitions.all };
}

class Definitions {
  readonly all: Record<string, JsonSchema> = {};
  private readonly names = new Map<JsonSchema, string>();

  convert(schema: JsonSchema): JsonSchema {
    const { type, enum: values, description } = schema;
    const described = (converted: JsonSchema) =>
      description === undefined ? converted : { ...converted, description };
    if (type === "string") return described(Array.isArray(values) ? choice(values) : SCALAR);
    if (type === "array" || type === "object") return described(this.refer(schema));
    return this.convertParts(schema);
  }

  /** Keywords such as `anyOf` and `if` hold schemas; all else stays as it is. */
  private convertParts(schema: JsonSchema): JsonSchema {
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => [
        keyword,
        ["anyOf", "oneOf", "allOf"].includes(keyword) && Array.isArray(value)
          ? value.map((part: JsonSchema) => this.convert(part))
          : keyword === "then" || keyword === "else"
            ? this.convert(value as JsonSchema)
            : value,
      ]),
    );
  }

  /** Lists and dictionaries may hold themselves, below conditions. */
  private refer(schema: JsonSchema): JsonSchema {
    let name = this.names.get(schema);
    if (name === undefined) {
      name = `d${this.names.size}`;
      this.names.set(schema, name);
      this.all[name] = schema["type"] === "array" ? this.list(schema) : this.dictionary(schema);
    }
    return { $ref: `#/definitions/${name}` };
  }

  private list(schema: JsonSchema): JsonSchema {
    const { items, ...others } = schema;
    const list = { ...others, ...(isSchema(items) && { items: this.convert(items) }) };
    const directives = Object.fromEntries(LIST_DIRECTIVES.map((key) => [key, list]));
    return {
      anyOf: [
        list,
        { type: "object", properties: this.withDirectives(schema, directives), additionalProperties: false },
      ],
    };
  }

  private dictionary(schema: JsonSchema): JsonSchema {
    const { properties, additionalProperties, required: _, ...others } = schema;
    const own = isSchema(properties)
      ? Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, this.convert(value as JsonSchema)]))
      : {};
    return {
      ...this.convertParts(others),
      properties: this.withDirectives(schema, own),
      ...(additionalProperties !== undefined && {
        additionalProperties: isSchema(additionalProperties)
          ? this.convert(additionalProperties)
          : additionalProperties,
      }),
    };
  }

  /** What a condition decides has the same schema. */
  private withDirectives(schema: JsonSchema, properties: JsonSchema): JsonSchema {
    return {
      ...properties,
      "(?)": conditions({ $ref: `#/definitions/${this.names.get(schema)}` }),
      "(@)": INCLUDES,
      "(!)": {},
    };
  }
}

const INCLUDES = { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] };

function conditions(branch: JsonSchema): JsonSchema {
  return { type: "array", items: { type: "object", maxProperties: 1, additionalProperties: branch } };
}

/** A boolean may be written as one. */
function choice(values: readonly unknown[]): JsonSchema {
  const isBool = values.includes("True") && values.includes("False");
  return { anyOf: [{ enum: values }, ...(isBool ? [{ type: "boolean" }, { enum: [0, 1] }] : []), VARIABLE] };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}
