/** What is remembered between runs changes nothing but the time: after any edit both show what a fresh cache shows. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { cacheConfig, type FileContent, project, runCli, writeFiles } from "../helpers.ts";

const files: Readonly<Record<string, FileContent>> = {
  "project.conf": `name: test
min-version: 2.0
variables: { color: red }
options: { debug: { type: bool, description: Debugging, default: false } }
plugins: [{ origin: local, path: plugins, elements: [make] }]
(@): more.yml
`,
  "more.yml": "environment: { LANG: C }\n",
  "base.yml": "variables: { size: large }\n",
  "plugins/make.py": "class MakeElement(BuildElement):\n    BST_MIN_VERSION = '2.0'\n",
  "plugins/make.yaml": "config: { build-commands: [make] }\n",
  "files/a/one": "1",
  "files/a/two": "2",
  "patch.diff":
    "--- a/one\n+++ b/one\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+3\n\\ No newline at end of file\n",
  "a.bst": "kind: import\nsources:\n- { kind: local, path: files/a }\n",
  "b.bst":
    "kind: manual\nbuild-depends: [a.bst]\n(@): base.yml\nconfig:\n  build-commands: ['echo %{color} %{size}']\n",
  "c.bst": "kind: make\nbuild-depends: [b.bst]\nconfig: { '(?)': [{ debug: { install-commands: [x] } }] }\n",
  "d.bst": "kind: stack\ndepends: [c.bst, link.bst, 'sub.bst:e.bst']\n",
  "f.bst": "kind: import\nsources:\n- { kind: remote, url: 'http://localhost/file', ref: abc }\n",
  "link.bst": "kind: link\nconfig: { target: f.bst }\n",
  "sub.bst": "kind: junction\nsources: [{ kind: local, path: sub }]\n",
  "sub/project.conf": "name: sub\nmin-version: 2.0\n",
  "sub/e.bst": "kind: import\nsources: [{ kind: local, path: file }]\n",
  "sub/file": "e",
};

const format = "%{name}|%{full-key}|%{vars}|%{env}|%{config}|%{public}|%{deps}";

/** Changes are seen from the clock's next tick on. */
const tick = () => setTimeout(80);

async function show(cwd: string, config: string, args: readonly string[] = [], how = format) {
  const { code, stdout, stderr, error } = await runCli([...args, "show", "--format", how, "d.bst"], { cwd, config });
  const warnings = stderr.split("\n").filter((line) => line.includes("WARNING"));
  return { code, stdout, warnings, error: error && { ...error, message: error.message } };
}

const memories = (config: string) => {
  const index = join(dirname(config), "cache/bst-ts/index");
  const all = existsSync(index) ? readdirSync(index, { recursive: true, encoding: "utf8" }) : [];
  return all.filter((path) => /(^|\/)keys-[^/.]+$/.test(path)).map((path) => join(index, path));
};

it("is used: what is wrong in it is shown", async () => {
  const cwd = project(files);
  const config = cacheConfig();
  await tick();
  const { stdout } = await show(cwd, config, [], "%{name} %{full-key}");
  const [memory = ""] = memories(config);
  const key = /^c\.bst (\w+)$/m.exec(stdout)?.[1] ?? "";
  const wrong = key.replaceAll(/./g, "0");
  writeFileSync(memory, readFileSync(memory, "utf8").replaceAll(key, wrong));
  expect((await show(cwd, config, [], "%{name} %{full-key}")).stdout).toBe(stdout.replace(key, wrong));
});

it("forgets what depends on elements that changed while it was not loaded", async () => {
  const cwd = project(files);
  const config = cacheConfig();
  const keys = async (target: string, config: string) =>
    (await runCli(["show", "--format", "%{name} %{full-key}", target], { cwd, config })).stdout;
  await tick();
  await keys("c.bst", config);
  writeFiles(cwd, { "files/a/one": "other" });
  await tick();
  // Without what depends on it.
  await keys("a.bst", config);
  expect(await keys("c.bst", config)).toBe(await keys("c.bst", cacheConfig()));
});

it("never gives a key that a cache without memory would not, in whatever order things change and are asked for", async () => {
  const element = (needs: string, version: number) =>
    `kind: manual\nbuild-depends: [${needs}]\nvariables: {v: "${version}"}\nconfig: {build-commands: ["%{v}"]}\n`;
  const changes = {
    "a file": (round: number) => ({ "files/a/one": String(round) }),
    "an element": (round: number) => ({ "b.bst": element("a.bst", round) }),
    dependencies: (round: number) => ({ "b.bst": element(round % 2 === 0 ? "a.bst" : "a.bst, d.bst", 0) }),
    "another file": (round: number) => ({ "files/d": String(round) }),
  };
  const change = fc.constantFrom(...(Object.keys(changes) as (keyof typeof changes)[]), "a file" as const);
  const target = fc.constantFrom("a.bst", "b.bst", "e.bst");
  const rounds = fc.array(fc.tuple(change, target, target), { minLength: 4, maxLength: 4 });
  for (const run of fc.sample(rounds, { numRuns: 4, seed: 1 })) {
    const cwd = project({
      "project.conf": "name: memory\nmin-version: 2.0\n",
      "files/a/one": "0",
      "files/d": "0",
      "a.bst": "kind: import\nsources: [{kind: local, path: files/a}]\n",
      "b.bst": element("a.bst", 0),
      "c.bst": "kind: stack\ndepends: [b.bst, d.bst]\n",
      "d.bst": "kind: import\nsources: [{kind: local, path: files/d}]\n",
      "e.bst": element("c.bst", 0),
    });
    const config = cacheConfig();
    const show = async (asked: string, conf: string) =>
      (await runCli(["show", "--format", "%{name} %{full-key}", asked], { cwd, config: conf })).stdout;
    await tick();
    await show("e.bst", config);
    for (const [round, [what, ...asked]] of run.entries()) {
      writeFiles(cwd, changes[what](round + 1));
      await tick();
      for (const each of asked) {
        expect(await show(each, config), JSON.stringify(run)).toBe(await show(each, cacheConfig()));
      }
    }
  }
});

const edits: Readonly<Record<string, (cwd: string) => void>> = {
  nothing: () => {},
  "an element": (cwd) => writeFiles(cwd, { "b.bst": "kind: manual\nbuild-depends: [a.bst]\n" }),
  "an element to what is wrong": (cwd) => writeFiles(cwd, { "b.bst": "kind: manual\nconfig: { commands: [] }\n" }),
  "a file that is included": (cwd) => writeFiles(cwd, { "base.yml": "variables: { size: small }\n" }),
  "a file that project.conf includes": (cwd) => writeFiles(cwd, { "more.yml": "environment: { LANG: de }\n" }),
  "the project": (cwd) =>
    writeFiles(cwd, { "project.conf": String(files["project.conf"]).replace("color: red", "color: blue") }),
  "what warnings are fatal": (cwd) =>
    writeFiles(cwd, { "project.conf": `${files["project.conf"]}fatal-warnings: [unaliased-url]\n` }),
  "a local file": (cwd) => writeFiles(cwd, { "files/a/one": "one" }),
  "a local file by its permissions": (cwd) => {
    rmSync(join(cwd, "files/a/one"));
    writeFiles(cwd, { "files/a/one": { executable: "1" } });
  },
  "local files by another one": (cwd) => writeFiles(cwd, { "files/a/three": "3" }),
  "local files by one fewer": (cwd) => rmSync(join(cwd, "files/a/two")),
  "a source to one that is missing": (cwd) => rmSync(join(cwd, "files/a"), { recursive: true }),
  "the defaults of a plugin": (cwd) =>
    writeFiles(cwd, { "plugins/make.yaml": "config: { build-commands: [gmake] }\n" }),
  "what a plugin says of itself": (cwd) =>
    writeFiles(cwd, {
      "plugins/make.py":
        "class MakeElement(BuildElement):\n    BST_MIN_VERSION = '2.0'\n    BST_ARTIFACT_VERSION = 7\n",
    }),
  "a plugin to one without defaults": (cwd) => rmSync(join(cwd, "plugins/make.yaml")),
  "where a link leads": (cwd) => writeFiles(cwd, { "link.bst": "kind: link\nconfig: { target: a.bst }\n" }),
  "a file of a subproject": (cwd) => writeFiles(cwd, { "sub/file": "f" }),
  "a subproject": (cwd) =>
    writeFiles(cwd, { "sub/project.conf": "name: sub\nmin-version: 2.0\nvariables: { x: y }\n" }),
  "the order of dependencies": (cwd) =>
    writeFiles(cwd, { "d.bst": "kind: stack\ndepends: ['sub.bst:e.bst', link.bst, c.bst]\n" }),
  "a dependency to a strict one": (cwd) =>
    writeFiles(cwd, { "c.bst": "kind: make\nbuild-depends: [{ filename: b.bst, strict: true }]\n" }),
};

it.concurrent.each(Object.entries(edits))("sees a change of %s", async (_, edit) => {
  const cwd = project(files);
  const config = cacheConfig();
  await tick();
  const before = await show(cwd, config);
  expect(before.code).toBe(0);
  expect(before.warnings.length).toBeGreaterThan(0);
  expect(memories(config)).toHaveLength(1);
  edit(cwd);
  await tick();
  const expected = await show(cwd, cacheConfig());
  for (let time = 0; time < 2; time++) expect(await show(cwd, config)).toEqual(expected);
});

it("sees other options", async () => {
  const cwd = project(files);
  const config = cacheConfig();
  await tick();
  const plain = await show(cwd, config);
  const debug = await show(cwd, config, ["-o", "debug", "true"]);
  expect(debug).not.toEqual(plain);
  expect(debug).toEqual(await show(cwd, cacheConfig(), ["-o", "debug", "true"]));
  expect(memories(config)).toHaveLength(2);
  expect(await show(cwd, config)).toEqual(plain);
});

it("sees a workspace", async () => {
  const cwd = project(files);
  const config = cacheConfig();
  await tick();
  const plain = await show(cwd, config);
  const opened = await runCli(["workspace", "open", "--directory", "work", "a.bst"], { cwd, config });
  expect(opened.code, opened.stderr).toBe(0);
  await tick();
  const worked = await show(cwd, config);
  expect(worked.stdout).not.toBe(plain.stdout);
  expect(worked).toEqual(await show(cwd, cacheConfig()));
  await runCli(["workspace", "close", "a.bst"], { cwd, config });
  expect(await show(cwd, config)).toEqual(plain);
});
