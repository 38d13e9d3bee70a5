/** Both programs take the defaults of a kind from the same place, or refuse it for the same reason. */
import { cpSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { cacheConfig, type FileContent, project } from "../helpers.ts";
import { expectSameElements, expectSameEnding } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { packageDirectory } from "./plugin-packages.ts";

const elements = {
  "make.bst": "kind: make\nvariables: { make-args: V=1 }\n",
  "autotools.bst": "kind: autotools\nconfig: { install-commands: { (>): [touch x] } }\n",
};
const kinds = ["autotools", "make"];
// Python is asked where packages lie: the one that has the reference also has its plugins.
const env = {
  PATH: [
    join(process.env["BST_ORACLE"] ?? join(homedir(), ".cache/bst-ts-oracle"), "venv/bin"),
    process.env["PATH"],
  ].join(delimiter),
};

const conf = (plugins: unknown, more = {}, name = "test") =>
  stringify({ name, "min-version": "2.0", plugins, ...more });

function write(files: Readonly<Record<string, FileContent>>, plugins: readonly string[] = []): string {
  const cwd = project({ ...elements, ...files });
  for (const path of plugins) {
    const from = packageDirectory("buildstream_plugins");
    if (from === undefined) throw new Error("the reference has no package of plugins");
    cpSync(join(from, "elements"), join(cwd, path), { recursive: true });
  }
  return cwd;
}

async function answers(cwd: string, targets: readonly string[] = Object.keys(elements)) {
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  return ask([...showArguments(), ...targets], { cwd, configs, env });
}

const local = [{ origin: "local", path: "plugins", elements: kinds }];
const junctionTo = (path: string) => `kind: junction\nsources:\n- { kind: local, path: ${path} }\n`;
const behind = (junction: string) => [{ origin: "junction", junction, elements: kinds }];
const pip = (requirement: string, names = kinds) => [{ origin: "pip", "package-name": requirement, elements: names }];

type Case = readonly [files: Readonly<Record<string, FileContent>>, plugins?: readonly string[]];

describe.runIf(absent === undefined)("Defaults are read from", () => {
  const cases: Readonly<Record<string, Case>> = {
    "a folder": [{ "project.conf": conf(local) }, ["plugins"]],
    "a folder, with what the project changes": [
      {
        "project.conf": conf(local, {
          elements: { make: { variables: { "make-args": "V=2" }, config: { "build-commands": { "(<)": ["true"] } } } },
        }),
      },
      ["plugins"],
    ],
    "a junction": [
      {
        "project.conf": conf(behind("packages.bst")),
        "packages.bst": junctionTo("packages"),
        "packages/project.conf": conf(local, {}, "packages"),
      },
      ["packages/plugins"],
    ],
    "a junction behind a junction": [
      {
        "project.conf": conf(behind("sub.bst")),
        "sub.bst": junctionTo("sub"),
        "sub/project.conf": conf(behind("packages.bst"), {}, "sub"),
        "sub/packages.bst": junctionTo("packages"),
        "sub/packages/project.conf": conf(local, {}, "packages"),
      },
      ["sub/packages/plugins"],
    ],
    "a package": [{ "project.conf": conf(pip("buildstream-plugins")) }],
    "a package of some versions": [{ "project.conf": conf(pip("buildstream_plugins>=2.0,<3")) }],
  };
  it.concurrent.each(Object.entries(cases))("%s", async (_, [files, plugins]) => {
    const shown = await answers(write(files, plugins));
    expectSameElements(shown);
    expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  });
});

describe.runIf(absent === undefined)("There is no kind", () => {
  const cases: Readonly<Record<string, Case>> = {
    "that the project does not declare": [{ "project.conf": conf([]) }],
    "in a project that does not declare it": [
      {
        "project.conf": conf(behind("packages.bst")),
        "packages.bst": junctionTo("packages"),
        "packages/project.conf": conf([], {}, "packages"),
      },
    ],
    "behind a junction that is not there": [{ "project.conf": conf(behind("packages.bst")) }],
    "behind what is no junction": [{ "project.conf": conf(behind("packages.bst")), "packages.bst": "kind: stack\n" }],
    "of which a subproject cannot have the package": [
      {
        "project.conf": conf(behind("packages.bst")),
        "packages.bst": junctionTo("packages"),
        "packages/project.conf": conf(pip("buildstream-plugins>=99"), {}, "packages"),
      },
    ],
    "in another version of the package": [{ "project.conf": conf(pip("buildstream-plugins>=99")) }],
    "in a package without a name": [{ "project.conf": conf(pip("!")) }],
    "that the package does not have": [{ "project.conf": conf(pip("buildstream-plugins-community")) }],
    "from two places": [{ "project.conf": conf([...local, ...pip("buildstream-plugins")]) }, ["plugins"]],
  };
  it.concurrent.each(Object.entries(cases))("%s", async (_, [files, plugins]) => {
    const shown = await answers(write(files, plugins), ["make.bst"]);
    expectSameEnding(shown);
    expect(shown.theirs.code).toBe(255);
  });
});
