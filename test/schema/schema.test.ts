/** The schemas for editors take what is right, and say what is wrong. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runCli } from "../helpers.ts";

const root = join(import.meta.dirname, "../..");
const names = ["project", "element", "junction", "user"] as const;
type Name = (typeof names)[number];

const checks = {} as Record<Name, ValidateFunction>;

beforeAll(async () => {
  for (const name of names) {
    const { stdout } = await runCli(["schema", name], { cwd: root });
    checks[name] = new Ajv({ strict: false }).compile(JSON.parse(stdout));
  }
});

/** Problems of a text, as `path message`. */
function problems(name: Name, text: string): string[] {
  const check = checks[name];
  check(parse(text, { uniqueKeys: false, logLevel: "silent" }));
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function files(folder: string, isOne: (path: string) => boolean): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => isOne(path))
    .map((path) => join(folder, path));
}

describe("take the files of the example and of projects for tests", () => {
  const folders = ["elements", "test/oracle/fixtures/projects"];
  it.each(folders.flatMap((folder) => files(folder, (path) => path.endsWith(".bst"))))("%s", (path) => {
    expect(problems("element", readFileSync(join(root, path), "utf8"))).toEqual([]);
  });
  const isProject = (path: string) => /(^|\/)project\.conf$/.test(path);
  it.each(["project.conf", ...files("test/oracle/fixtures/projects", isProject)])("%s", (path) => {
    expect(problems("project", readFileSync(join(root, path), "utf8"))).toEqual([]);
  });
});

describe("take", () => {
  const right: Readonly<Record<string, readonly [Name, string]>> = {
    "conditions and includes": [
      "element",
      "kind: manual\n(@): a.yml\nconfig:\n  (?):\n  - debug: { build-commands: [make] }\n  (@): [b.yml]\n",
    ],
    "changes to lists": ["element", "kind: manual\nconfig:\n  build-commands: { (>): [make], (<): [true] }\n"],
    "what YAML takes for numbers and booleans": [
      "element",
      "kind: compose\nconfig: { integrate: false, include: [1] }\nvariables: { a: 1, b: true, c: }\n",
    ],
    "variables in place of values": ["element", "kind: compose\nconfig: { integrate: '%{flag}' }\n"],
    "kinds of plugins": ["element", "kind: greeting\nconfig: { name: world }\nsources: [{ kind: mail, to: me }]\n"],
    junctions: ["junction", "kind: junction\nsources: [{ kind: local, path: sub }]\nconfig: { options: { a: 1 } }\n"],
    "a user configuration": ["user", "cachedir: /tmp\nprojects: { a: { strict: false, mirrors: [] } }\n"],
    options: [
      "project",
      "name: a\nmin-version: 2.0\noptions: { debug: { type: bool, description: d, default: no } }\n",
    ],
  };
  it.each(Object.entries(right))("%s", (_, [name, text]) => {
    expect(problems(name, text)).toEqual([]);
  });
});

describe("do not take", () => {
  const wrong: Readonly<Record<string, readonly [Name, string]>> = {
    "unknown keys": ["element", "kind: import\ndepend: [a.bst]\n"],
    "unknown keys of a kind": ["element", "kind: import\nconfig: { from: / }\n"],
    "unknown keys of a source": ["element", "kind: import\nsources: [{ kind: local, file: a }]\n"],
    "unknown keys below a condition": ["element", "kind: import\nconfig: { (?): [{ debug: { from: / } }] }\n"],
    "values of another form": ["element", "kind: manual\nconfig: { build-commands: make }\n"],
    "values that are none of those there are": ["element", "kind: a\ndepends: [{ filename: a.bst, type: some }]\n"],
    "unknown keys of a project": ["project", "name: a\nelement_path: .\n"],
    "unknown keys of the user": ["user", "cache: { limit: 1G }\n"],
    "unknown keys of a junction": ["junction", "kind: junction\nconfig: { override: {} }\n"],
  };
  it.each(Object.entries(wrong))("%s", (_, [name, text]) => {
    expect(problems(name, text)).not.toEqual([]);
  });
});
