/** The schema of project.conf. */
import { bool, type JsonSchema, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import { sandbox, splitRules } from "./element.ts";
import { cacheServer } from "./servers.ts";

const plugin: JsonSchema = { anyOf: [text, record({ kind: text, "allow-deprecated": bool })] };
const plugins = {
  elements: listOf(plugin),
  sources: listOf(plugin),
  "source-mirrors": listOf(plugin),
  "allow-deprecated": bool,
};

const option = record({
  type: oneOf("bool", "enum", "flags", "element-mask", "arch", "os"),
  description: text,
  variable: text,
  default: { anyOf: [text, textList] },
  values: textList,
});

const servers: JsonSchema = { anyOf: [cacheServer, listOf(cacheServer)] };

export const mirrors = listOf({
  type: "object",
  properties: { name: text, kind: text, aliases: { type: "object", additionalProperties: textList } },
});

/** What the project changes of a kind. */
const overrides: JsonSchema = { type: "object", additionalProperties: { type: "object" } };

export const projectSchema: JsonSchema = record({
  name: text,
  "min-version": text,
  "element-path": text,
  "ref-storage": oneOf("inline", "project.refs"),
  variables: textMap,
  environment: textMap,
  "environment-nocache": textList,
  "split-rules": splitRules,
  elements: overrides,
  sources: overrides,
  plugins: listOf(
    record({ origin: oneOf("local", "pip", "junction"), path: text, "package-name": text, junction: text, ...plugins }),
  ),
  aliases: textMap,
  mirrors,
  options: { type: "object", additionalProperties: option },
  defaults: record({ targets: textList }),
  artifacts: servers,
  "source-caches": servers,
  "fatal-warnings": textList,
  "fail-on-overlap": bool,
  sandbox,
  shell: record({
    command: textList,
    environment: textMap,
    "host-files": listOf({ anyOf: [text, record({ path: text, host_path: text, optional: bool })] }),
  }),
  junctions: record({
    duplicates: { type: "object", additionalProperties: textList },
    internal: textList,
    "disallow-subproject-uris": bool,
  }),
  "source-provenance-attributes": textMap,
});
