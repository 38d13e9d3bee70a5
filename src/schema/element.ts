/** The schema of element files: what all elements have, and `config` and sources by their kinds. */
import { bool, type JsonSchema, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import type { SourceKind } from "../project/source-kind.ts";

const described = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

/** A kind that is not known here may be one of a plugin. */
function kindOf(names: Iterable<string>): JsonSchema {
  return { anyOf: [{ enum: [...names] }, { type: "string" }] };
}

/** A name, or a dictionary that says more. */
function dependency(hasType: boolean): JsonSchema {
  return {
    anyOf: [
      text,
      record({
        filename: { anyOf: [text, textList] },
        junction: text,
        strict: bool,
        config: { type: "object" },
        ...(hasType && { type: oneOf("build", "runtime", "all") }),
      }),
    ],
  };
}

export const sandbox = record({
  "build-os": text,
  "build-arch": text,
  "build-uid": text,
  "build-gid": text,
  "remote-apis-socket": record({ path: text, "action-cache-enable-update": bool }),
});

export const splitRules: JsonSchema = { type: "object", additionalProperties: textList };

const publicData: JsonSchema = {
  type: "object",
  properties: {
    bst: {
      type: "object",
      properties: {
        "split-rules": described(splitRules, "Files by domain, as globs"),
        "overlap-whitelist": described(textList, "Files that this element may overwrite of others, as globs"),
        "integration-commands": described(textList, "Commands that are run where the element is staged"),
      },
    },
  },
};

/** An element of any kind, or of those given. */
export function elementSchema(kinds: Iterable<ElementKind>, sourceKinds: Iterable<SourceKind>): JsonSchema {
  const elements = [...kinds];
  return {
    type: "object",
    properties: {
      kind: described(kindOf(elements.map(({ kind }) => kind)), "What the element is"),
      description: text,
      depends: described(listOf(dependency(true)), "Needed to build and to run"),
      "build-depends": described(listOf(dependency(false)), "Needed to build"),
      "runtime-depends": described(listOf(dependency(false)), "Needed to run"),
      sources: described(listOf(sourceSchema(sourceKinds)), "What is built"),
      variables: textMap,
      environment: textMap,
      "environment-nocache": described(textList, "Names of the environment that stay out of the cache key"),
      config: described({ type: "object" }, "What the kind is told"),
      public: described(publicData, "What others may know of the element"),
      sandbox,
    },
    additionalProperties: false,
    allOf: elements.map(({ kind, schema }) => byKind(kind, { type: "object", properties: { config: schema } })),
  };
}

function sourceSchema(kinds: Iterable<SourceKind>): JsonSchema {
  const sources = [...kinds].filter(({ kind }) => kind !== "workspace");
  const common = {
    kind: described(kindOf(sources.map(({ kind }) => kind)), "Where it comes from"),
    directory: described(text, "Folder below the element's sources"),
    provenance: { type: "object" },
  };
  return {
    type: "object",
    properties: common,
    allOf: sources.map(({ kind, schema }) =>
      byKind(kind, { ...schema, properties: { ...(schema["properties"] as object), ...common } }),
    ),
  };
}

function byKind(kind: string, schema: JsonSchema): JsonSchema {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema.
  return { if: { properties: { kind: { const: kind } }, required: ["kind"] }, then: schema };
}
