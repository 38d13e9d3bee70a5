/** Projects whose elements have sources of plugin packages, and what both programs make of them. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { cacheConfig, type FileContent, project, runCli } from "../helpers.ts";
import { expectSameElements } from "./compare.ts";
import { type Answers, ask, parseShown, showArguments } from "./oracle.ts";
import { copyPlugins, pluginOrigins } from "./plugin-packages.ts";
import { runReference } from "./reference.ts";

export type Sources = readonly Readonly<Record<string, unknown>>[];

const kinds = {
  buildstream_plugins: ["bzr", "cargo", "docker", "patch", "pip"],
  buildstream_plugins_community: [
    "anitya",
    "bazel_file",
    "bazel_source",
    "cargo2",
    "cpan",
    "deb",
    "gen_cargo_lock",
    "go_module",
    "ostree",
    "patch_queue",
    "pypi",
    "quilt",
    "zip",
  ],
};

/** A project with an import element for each list of sources. */
export function sourceProject(
  elements: Readonly<Record<string, Sources>>,
  files: Readonly<Record<string, FileContent>> = {},
  settings: Readonly<Record<string, unknown>> = {},
): string {
  const directory = project({
    "project.conf": stringify({
      name: "test",
      "min-version": "2.0",
      plugins: pluginOrigins("sources", kinds),
      ...settings,
    }),
    ...Object.fromEntries(
      Object.entries(elements).map(([name, sources]) => [`${name}.bst`, stringify({ kind: "import", sources })]),
    ),
    ...files,
  });
  copyPlugins(directory, "sources");
  return directory;
}

/** Both track an element and write the same ref, each to a project of its own. @returns what is then in the element's file */
export async function expectSameTracking(makeProject: () => string, element: string): Promise<unknown> {
  const results = await Promise.all(
    [runReference, runCli].map(async (run) => {
      const cwd = makeProject();
      const tracked = await run(["source", "track", element], { cwd, config: cacheConfig() });
      expect(tracked.code, tracked.stderr).toBe(0);
      return parse(readFileSync(join(cwd, element), "utf8"));
    }),
  );
  expect(results[1]).toEqual(results[0]);
  return results[0];
}

/** Both fetch and build the elements, with the same keys and digests. */
export async function expectSameBuilds(
  cwd: string,
  elements: readonly string[],
  env: Record<string, string> = {},
): Promise<Answers<string>> {
  // BuildStream's jobs trip over each other's locks in the mirror of a repository.
  const configs = { theirs: cacheConfig({ scheduler: { fetchers: 1 } }), ours: cacheConfig() };
  const built = await ask(["--on-error", "continue", "build", ...elements], { cwd, configs, env });
  expect(built.theirs.code, built.theirs.stderr).toBe(0);
  expect(built.ours.code, built.ours.stderr).toBe(0);
  const show = showArguments({ build: true, show: ["--deps", "none"] });
  const shown = await ask([...show, ...elements], { cwd, configs, env });
  expectSameElements(shown);
  for (const [name, { state }] of parseShown(shown.theirs.stdout)) expect(`${name} ${state}`).toBe(`${name} cached`);
  return configs;
}

/** Everything in a folder: content of files with their right to be executed, targets of links. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const content = () => `${lstatSync(path).mode & 0o100} ${readFileSync(path, "utf8")}`;
    found[relative(folder, path)] = entry.isSymbolicLink() ? readlinkSync(path) : entry.isFile() ? content() : "/";
  }
  return found;
}

/** Both open the same workspace on an element. */
export async function expectSameWorkspace(makeProject: () => string, element: string): Promise<void> {
  const [theirs, ours] = await Promise.all(
    [runReference, runCli].map(async (run) => {
      const cwd = makeProject();
      const directory = join(cwd, "workspace");
      const args = ["workspace", "open", "--directory", directory, element];
      const opened = await run(args, { cwd, config: cacheConfig() });
      expect(opened.code, opened.stderr).toBe(0);
      // It names the folder of the project.
      rmSync(join(directory, ".bstproject.yaml"));
      return snapshot(directory);
    }),
  );
  expect(ours).toEqual(theirs);
}
