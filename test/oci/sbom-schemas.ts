/** Judges of lists of parts: the schemas of CycloneDX, and the tools of SPDX. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { expect } from "vitest";
import { tempDir } from "../helpers.ts";

const require = createRequire(import.meta.url);
const schemas = join(dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");
const read = (name: string) => JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8"));
// The formats of dates and URLs are checked by the tools of SPDX.
const ajv = new Ajv({ strict: false, validateFormats: false });
for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
  ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
const isCycloneDx = ajv.compile(read("bom-1.6"));

const { BST_ORACLE } = process.env;
const spdxTools = join(BST_ORACLE ?? join(homedir(), ".cache/bst-ts-oracle"), "spdx-tools/bin/pyspdxtools");

/** Why the tools of SPDX can't be asked; undefined where they can. */
export const spdxToolsAbsent: string | undefined = existsSync(spdxTools)
  ? undefined
  : `there is no ${spdxTools}: python3 -m venv makes its folder, and pip install spdx-tools==0.8.5 it`;
if (spdxToolsAbsent !== undefined) console.warn(`skipped: ${spdxToolsAbsent}`);

export function expectCycloneDx(text: string): void {
  isCycloneDx(JSON.parse(text));
  expect(isCycloneDx.errors ?? []).toEqual([]);
}

export function expectSpdx(text: string): void {
  const path = join(tempDir("spdx"), "sbom.spdx.json");
  writeFileSync(path, text);
  const { status, stdout, stderr } = spawnSync(spdxTools, ["--infile", path], { encoding: "utf8" });
  expect([status, stdout + stderr]).toEqual([0, ""]);
}
