/** Defaults that serve where those of a plugin can't be had: they fit their kind, and have what projects change by name. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { elementKinds } from "../../src/elements/index.ts";
import { BUILTIN_PROJECT } from "../../src/project/builtin.ts";
import type { ElementKind } from "../../src/project/element-kind.ts";
import { validate } from "../../src/project/validate.ts";
import { Variables } from "../../src/project/variables.ts";
import { compose } from "../../src/yaml/compose.ts";
import { type MappingNode, mappingFrom } from "../../src/yaml/node.ts";
import { absent } from "../oracle/oracle.ts";
import { packageDirectory } from "../oracle/plugin-packages.ts";

/** Variables that the program or the project sets. */
const given = { "project-name": "test", "element-name": "a.bst", "max-jobs": "4", arch: "x86_64", branch: "main" };

const plugins: readonly ElementKind[] = [...elementKinds.values()].filter(({ isPlugin }) => isPlugin === true);

function resolved({ defaults = {} }: ElementKind): { config: MappingNode; variables: Variables } {
  const project = mappingFrom(BUILTIN_PROJECT).mapping("variables") ?? mappingFrom({});
  const all = mappingFrom(defaults);
  const own = all.mapping("variables") ?? mappingFrom({});
  const variables = new Variables(compose(compose(project, mappingFrom(given)), own));
  variables.check();
  return { config: variables.expand(all.mapping("config") ?? mappingFrom({})) as MappingNode, variables };
}

describe.each(plugins.map((kind) => [kind.kind, kind] as const))("%s", (name, kind) => {
  it("has defaults that are valid and can be run", () => {
    const { config } = resolved(kind);
    // What an element must say itself has no default.
    validate(config, { ...kind.schema, required: [] });
    for (const value of Object.values(config.toPlain())) {
      for (const command of Array.isArray(value) ? value.map(String) : []) {
        const script = command.replaceAll("<PACKAGES>", "one two");
        const { status, stderr } = spawnSync("sh", ["-n", "-c", script], { encoding: "utf8" });
        expect(status, `${script}\n${stderr}`).toBe(0);
      }
    }
  });

  it.skipIf(absent !== undefined)("has the plugin's names for them", () => {
    const path = (["buildstream_plugins", "buildstream_plugins_community"] as const)
      .map((each) => join(packageDirectory(each) ?? "", "elements", `${name}.yaml`))
      .find((each) => existsSync(each));
    const theirs = path === undefined ? {} : parse(readFileSync(path, "utf8"));
    const names = (all: Readonly<Record<string, unknown>>, key: string) => Object.keys(all[key] ?? {}).sort();
    for (const key of ["variables", "environment"]) {
      expect(names(kind.defaults ?? {}, key), key).toEqual(names(theirs, key));
    }
    expect(names(kind.defaults ?? {}, "config")).toEqual(expect.arrayContaining(names(theirs, "config")));
    expect([...((kind.defaults?.["environment-nocache"] ?? []) as string[])].sort()).toEqual(
      [...(theirs["environment-nocache"] ?? [])].sort(),
    );
  });
});
