/** The JSON schemas of the OCI image specification. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { schemaFolder } from "./programs.ts";

type Name = "image-layout" | "image-index" | "image-manifest" | "config";

const BASE = "https://schemas.example/";
const FILES = ["defs", "defs-descriptor", "content-descriptor"];
const DATE = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Of draft 4, whose names of places the schemas do not go by: they name each other by their files. */
function read(name: string): object {
  const modern = (key: string, value: unknown) =>
    key === "$schema" || (key === "id" && isText(value)) ? undefined : value;
  return {
    ...JSON.parse(readFileSync(join(schemaFolder, `${name}.json`), "utf8"), modern),
    $id: `${BASE}${name}.json`,
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

let ajv: Ajv | undefined;

function all(): Ajv {
  if (ajv !== undefined) return ajv;
  ajv = new Ajv({ strict: false, allErrors: true, formats: { "date-time": DATE, uri: (text) => URL.canParse(text) } });
  for (const name of FILES) ajv.addSchema(read(name));
  return ajv;
}

/** A function that throws for JSON that is none. */
export function schemaOf(name: Name): (json: unknown) => void {
  const schemas = all();
  const validate = schemas.getSchema(`${BASE}${name}-schema.json`) ?? schemas.compile(read(`${name}-schema`));
  return (json) => {
    if (!validate(json)) throw new Error(`${name}: ${schemas.errorsText(validate.errors)}`);
  };
}
