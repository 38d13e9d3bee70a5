/** Kinds of one file of TypeScript or JavaScript, from the project's folder of plugins or from the user's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { project, runCli, tempDir, writeFiles } from "../helpers.ts";
import { plugin } from "./plugin-examples.ts";

const conf = (plugins: string) => `name: test\nmin-version: 2.0\n${plugins}`;
const local = conf("plugins:\n- origin: local\n  path: plugins\n  elements: [greeting]\n  sources: [greeting]\n");

const example = plugin("greeting");
const files = { "a.bst": "kind: greeting\nconfig: { name: world }\n" };

async function contents(cwd: string, file = "greeting.txt", options: string[] = []) {
  const built = await runCli([...options, "build", "a.bst"], { cwd });
  expect(built.stderr).not.toContain("FAILURE");
  await runCli([...options, "artifact", "checkout", "--directory", "out", "a.bst"], { cwd });
  return readFileSync(join(cwd, "out", file), "utf8");
}

it("stand beside the plugin in Python, in TypeScript", async () => {
  const cwd = project({ "project.conf": local, ...files });
  writeFiles(cwd, { "plugins/greeting.py": "raise Exception('executed')\n" });
  writeFiles(cwd, { "plugins/greeting.ts": example });
  expect(await contents(cwd)).toBe("Hello, world!\n");
});

it("have the defaults that stand beside the plugin in Python", async () => {
  const cwd = project({ "project.conf": local, "a.bst": "kind: greeting\n" });
  writeFiles(cwd, { "plugins/greeting.yaml": "config:\n  name: you\n" });
  writeFiles(cwd, { "plugins/greeting.ts": example });
  expect(await contents(cwd)).toBe("Hello, you!\n");
});

it("are found in the folders that the user names, for any project", async () => {
  const cwd = project({ ...files });
  const folder = tempDir();
  writeFiles(folder, { "greeting.ts": example });
  expect(await contents(cwd, "greeting.txt", ["--plugin-path", folder])).toBe("Hello, world!\n");
});

it("define sources as well", async () => {
  const plugins = "plugins:\n- origin: local\n  path: plugins\n  sources: [note]\n";
  const cwd = project({
    "project.conf": conf(plugins),
    "a.bst": "kind: import\nsources: [{ kind: note, text: Hi! }]\n",
  });
  writeFiles(cwd, { "plugins/note.ts": plugin("note") });
  expect(await contents(cwd, "note.txt")).toBe("Hi!\n");
});

it("run commands over sources", async () => {
  const cwd = project({ "a.bst": "kind: just\n" });
  writeFiles(cwd, { "plugins/just.ts": plugin("just") });
  const { stdout } = await runCli(["--plugin-path", "plugins", "show", "--format", "%{config}", "a.bst"], { cwd });
  expect(stdout).toContain("just build");
});

it("can import types without 'type', from a package that is not there", async () => {
  const cwd = project({ "project.conf": local, ...files });
  writeFiles(cwd, { "plugins/greeting.ts": example.replace("import type", "import") });
  expect(await contents(cwd)).toBe("Hello, world!\n");
});

it.each([
  ["throws", "throw new Error('broken')", "cannot be loaded: broken"],
  ["is no TypeScript", "const = 1", "cannot be loaded: "],
  ["exports nothing", "export const a = 1", "exports neither 'element' nor 'source'"],
  ["exports no function", "export const element = {}", "exports 'element', which is not a function"],
  ["returns no kind", "export const element = () => ({})", "returns from 'element' what is no kind"],
  [
    "defines another kind",
    "export const element = () => ({ kind: 'b', schema: {}, configure() {} })",
    "defines the kind 'b' under the name of 'greeting'",
  ],
])("that %s are an error that names the file", async (_, code, message) => {
  const cwd = project({ "project.conf": local, ...files });
  writeFiles(cwd, { "plugins/greeting.ts": code });
  const { stderr, error } = await runCli(["show", "a.bst"], { cwd });
  expect(error && { domain: error.domain, reason: error.reason }).toEqual({
    domain: "plugin",
    reason: "invalid-plugin",
  });
  expect(stderr).toContain(`plugins/greeting.ts ${message}`);
});

it("that nobody has are an error that says which elements need them, and how to add them", async () => {
  const cwd = project({
    "project.conf": local,
    ...files,
    "b.bst": "kind: greeting\n",
    "plugins/": "",
    "all.bst": "kind: stack\ndepends: [a.bst, b.bst]\n",
  });
  const { stderr, error } = await runCli(["show", "all.bst"], { cwd });
  expect(error && { domain: error.domain, reason: error.reason }).toEqual({
    domain: "plugin",
    reason: "plugin-not-found",
  });
  expect(stderr).toContain("There is no element kind 'greeting'");
  expect(stderr).toContain("docs/plugins.md");
  expect(stderr).toContain("Used by: a.bst, b.bst");
});
