/** Checks configurations by the JSON schemas of their kinds, and says where in the file they are wrong. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { LoadError } from "../base/errors.ts";
import type { JsonSchema } from "../base/schema.ts";
import type { MappingNode, Node } from "../yaml/node.ts";
import { isClearlyValid } from "./clearly-valid.ts";

const compiled = new WeakMap<JsonSchema, ValidateFunction>();
let ajv: Ajv | undefined;

/** @throws LoadError invalid-data with the provenance of the value that is wrong */
export function validate(node: MappingNode, schema: JsonSchema): void {
  if (isClearlyValid(node, schema)) return;
  let check = compiled.get(schema);
  if (check === undefined) {
    ajv ??= new Ajv({ strict: true, allErrors: false, validateSchema: false, meta: false });
    check = ajv.compile(schema);
    compiled.set(schema, check);
  }
  if (check(node.toPlain())) return;
  const [error] = check.errors ?? [];
  if (error !== undefined) throw explain(node, error);
}

function explain(root: MappingNode, error: ErrorObject): LoadError {
  const path = error.instancePath.split("/").slice(1).map(unescapePointer);
  let node: Node = root;
  let name = "";
  for (const part of path) {
    const child: Node | undefined =
      node.type === "mapping" ? node.get(part) : node.type === "sequence" ? node.items[Number(part)] : undefined;
    if (child === undefined) break;
    if (node.type === "mapping") name = part;
    node = child;
  }
  const params: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      const value = node.type === "mapping" ? node.get(key) : undefined;
      return (value ?? node).error(`Unexpected key: ${key}`);
    }
    case "required":
      return node.error(`Missing key '${params["missingProperty"]}'`);
    case "enum": {
      const allowed = params["allowedValues"];
      return node.error(`Value of '${name}' must be one of: ${Array.isArray(allowed) ? allowed.join(", ") : ""}`);
    }
    case "type":
      return node.error(`Value of '${name}' must be ${TYPE_NAMES[String(params["type"])] ?? params["type"]}`);
    default:
      return node.error(`Value of '${name}' ${error.message ?? "is not valid"}`);
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a single value",
  array: "a list",
  object: "a dictionary",
};

/** JSON pointers write `~` as `~0` and `/` as `~1`. */
function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
