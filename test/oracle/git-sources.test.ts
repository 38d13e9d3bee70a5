/** Source kinds of git repositories: the same keys, source information, refs and trees as BuildStream's. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify as toYaml } from "yaml";
import { cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { GitRepository } from "../sources/git-repository.ts";
import { expectSameElements } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { copyPlugins, pluginOrigins } from "./plugin-packages.ts";
import { runReference } from "./reference.ts";

/** As BuildStream writes it, so that it changes no more of a file than the ref. */
const stringify = (value: unknown) => toYaml(value, { indentSeq: false });

type Source = Readonly<Record<string, unknown>>;

interface World {
  readonly lib: { first: string; tagged: string; tag: string; ahead: string; merged: string };
  readonly app: { tip: string };
  readonly attributes: string;
  readonly light: string;
}

/** Repositories in a folder, which projects have as alias `up`. */
function makeRepositories(parent: string): World {
  const lib = new GitRepository(parent, "lib.git");
  const first = lib.commit("first", { "a.txt": "a\n", "bin/run": { executable: "#!/bin/sh\n" }, "deep/er/file": "x" });
  lib.git("branch", "old");
  lib.tag("light-1.0", { annotated: false });
  const tagged = lib.commit("second", { link: { symlink: "a.txt" }, "deep/link": { symlink: "../missing" } });
  lib.tag("v1.0", { annotated: true });
  const tag = lib.git("rev-parse", "v1.0");
  lib.commit("third", { "a.txt": "aa\n" });
  const ahead = lib.commit("fourth", { "deep/er/file": { executable: "y" } });
  lib.git("checkout", "--quiet", "-b", "side", tagged);
  lib.commit("side", { "side/ümlaut and space": "side\n" });
  lib.git("checkout", "--quiet", "main");
  const merged = lib.merge("side");
  lib.git("branch", "release-2");
  lib.commit("fifth", { "a.txt": "aaa\n" });

  const inner = new GitRepository(parent, "inner.git");
  inner.commit("inner", { inner: "inner\n" });
  const middle = new GitRepository(parent, "middle.git");
  middle.commit("middle", { middle: "middle\n" });
  middle.submodule(`file://${inner.directory}`, "nested/inner");
  middle.commit("with inner");
  const app = new GitRepository(parent, "app.git");
  app.commit("app", { "src/app": "app\n" });
  app.submodule(`file://${middle.directory}`, "modules/middle");
  app.submodule(`file://${inner.directory}`, "modules/inner");
  const tip = app.commit("with modules");

  const crlf = new GitRepository(parent, "attributes.git");
  const attributes = crlf.commit("attributes", {
    ".gitattributes": "*.bat text eol=crlf\n*.id ident\n*.txt text=auto\nexcluded export-ignore\n",
    "a.bat": "one\ntwo\n",
    "b.id": "$Id$\n",
    "c.txt": "text\n",
    excluded: "all the same\n",
  });
  // Of annotated tags, the reference knows no commits where it reads a repository of the machine itself.
  const plain = new GitRepository(parent, "light.git");
  plain.commit("one", { one: "1" });
  plain.tag("0.9", { annotated: false });
  plain.git("checkout", "--quiet", "-b", "other");
  plain.commit("other", { other: "2" });
  plain.git("checkout", "--quiet", "main");
  plain.commit("two", { two: "2" });
  plain.tag("1.0", { annotated: false });
  plain.merge("other");
  const light = plain.commit("three", { one: "3" });
  return { light, lib: { first, tagged, tag, ahead, merged }, app: { tip }, attributes };
}

const community = ["git_repo", "git_tag", "git_module"];

function projectOf(parent: string, elements: Readonly<Record<string, unknown>>): string {
  const directory = project({
    "project.conf": stringify({
      name: "test",
      "min-version": "2.5",
      aliases: { up: `file://${parent}/` },
      plugins: pluginOrigins("sources", { buildstream_plugins: ["git"], buildstream_plugins_community: community }),
      "split-rules": { index: ["/.git/index"], vcs: ["/.git", "/.git/**", "/**/.git", "/**/.git/**"] },
    }),
    ...Object.fromEntries(Object.entries(elements).map(([name, element]) => [`${name}.bst`, stringify(element)])),
  });
  copyPlugins(directory, "sources");
  return directory;
}

/** An import of sources, and what is left of it without files that are never the same twice. */
function withStripped(imports: Readonly<Record<string, readonly Source[]>>, unstable: string | undefined) {
  return Object.fromEntries(
    Object.entries(imports).flatMap(([name, sources]): [string, unknown][] => [
      [name, { kind: "import", sources }],
      ...(unstable === undefined
        ? []
        : [
            [
              `${name}-stripped`,
              { kind: "compose", "build-depends": [`${name}.bst`], config: { integrate: false, exclude: [unstable] } },
            ] as [string, unknown],
          ]),
    ]),
  );
}

async function expectSameBuilds(cwd: string, elements: readonly string[], compared: readonly string[]) {
  // The reference's own fetches get in each other's way where they are of one repository.
  const configs = { theirs: cacheConfig({ scheduler: { fetchers: 1 } }), ours: cacheConfig() };
  const names = elements.map((name) => `${name}.bst`);
  const built = await ask(["build", ...names], { cwd, configs, timeoutMs: 200_000 });
  expect(built.theirs.code, built.theirs.stderr).toBe(0);
  expect(built.ours.code, built.ours.stderr).toBe(0);
  expectSameElements(await ask([...showArguments({ show: ["--deps", "none"] }), ...names], { cwd, configs }));
  const built2 = showArguments({ build: true, show: ["--deps", "none"] });
  const shown = compared.map((name) => `${name}.bst`);
  expectSameElements(await ask([...built2, ...shown], { cwd, configs }));
}

describe.skipIf(absent !== undefined)("git sources", () => {
  const parent = tempDir("repositories");
  let world: World;

  beforeAll(() => {
    world = makeRepositories(parent);
  });

  it("git makes the same trees", { timeout: 300_000 }, async () => {
    const { lib, app } = world;
    const git = (repository: string, ref: string, more: Source = {}) => [
      { kind: "git", url: `up:${repository}.git`, ref, ...more },
    ];
    const tags = [{ tag: "v1.0", commit: lib.tagged, annotated: true }];
    const imports = {
      plain: git("lib", lib.first),
      described: git("lib", `v1.0-0-g${lib.tagged}`),
      ahead: git("lib", `v1.0-2-g${lib.ahead}`),
      version: git("lib", lib.ahead, { version: "7" }),
      pattern: git("lib", `light-1.0-0-g${lib.first}`, { "version-guess-pattern": "(\\d+)" }),
      below: git("lib", lib.merged, { directory: "somewhere/below" }),
      modules: git("app", app.tip),
      "no-modules": git("app", app.tip, { "checkout-submodules": false }),
      chosen: git("app", app.tip, {
        "checkout-submodules": false,
        submodules: { "modules/inner": { url: "up:inner.git", checkout: true } },
      }),
      partly: git("app", app.tip, { submodules: { "modules/middle/nested/inner": { checkout: false } } }),
      tags: git("lib", lib.ahead, { tags }),
      "tags-described": git("lib", `v1.0-2-g${lib.ahead}`, {
        tags: [{ ...tags[0], annotated: false }],
        track: "main",
      }),
      "tag-object": git("lib", `v1.0-0-g${lib.tag}`),
      attributes: git("attributes", world.attributes),
    };
    const names = Object.keys(imports);
    await expectSameBuilds(projectOf(parent, withStripped(imports, undefined)), names, names);
  });

  it("git_repo makes the same trees, but for the times in its index", { timeout: 300_000 }, async () => {
    const { lib, app } = world;
    const repo = (repository: string, ref: string, more: Source = {}) => [
      { kind: "git_repo", url: `up:${repository}`, ref, ...more },
    ];
    const imports = {
      plain: repo("lib.git", lib.merged),
      exact: repo("lib.git", `v1.0-0-g${lib.tagged}`),
      ahead: repo("lib.git", `v1.0-2-g${lib.ahead}`, { track: "v*", exclude: ["v2*"], "ref-format": "git-describe" }),
      // The tag itself in the place of its commit, as older refs have it.
      "tag-object": repo("lib.git", `v1.0-0-g${lib.tag}`),
      light: repo("lib.git", `light-1.0-3-g${lib.ahead}`, { "version-guess-pattern": "(\\d+)" }),
      merged: repo("lib.git", `v1.0-4-g${lib.merged}`, { version: "8" }),
      modules: repo("app.git", app.tip),
      attributes: repo("attributes.git", world.attributes, { directory: "below" }),
    };
    const elements = withStripped(imports, "index");
    const stripped = Object.keys(elements).filter(
      (name) => name.endsWith("-stripped") && !name.startsWith("attributes"),
    );
    await expectSameBuilds(projectOf(parent, elements), Object.keys(elements), stripped);
  });

  it("git_tag and git_module make the same files", { timeout: 300_000 }, async () => {
    const { lib, app } = world;
    const top = { kind: "git_tag", url: "up:app.git", ref: app.tip };
    const inner = { kind: "git_module", url: "up:lib.git", ref: lib.tagged, path: "modules/inner" };
    const imports = {
      exact: [{ kind: "git_tag", url: "up:lib.git", ref: `v1.0-0-g${lib.tagged}` }],
      ahead: [{ kind: "git_tag", url: "up:lib.git", ref: `v1.0-2-g${lib.ahead}`, "full-clone": true, match: ["v*"] }],
      "tag-object": [{ kind: "git_tag", url: "up:lib.git", ref: `v1.0-0-g${lib.tag}` }],
      attributes: [{ kind: "git_tag", url: "up:attributes.git", ref: world.attributes, "use-lfs": false }],
      "no-modules": [{ ...top, "checkout-submodules": false }],
      module: [{ ...top, "checkout-submodules": false }, inner],
      absolute: [
        { kind: "git_repo", url: "up:light.git", ref: world.light },
        { ...inner, path: "/a//b/", version: "9", ref: `v1.0-2-g${lib.ahead}` },
      ],
    };
    const elements = withStripped(imports, "vcs");
    const stripped = Object.keys(elements).filter((name) => name.endsWith("-stripped"));
    await expectSameBuilds(projectOf(parent, elements), Object.keys(elements), stripped);
  });

  it("tracks to the same refs", { timeout: 300_000 }, async () => {
    const { lib, app } = world;
    const track = (kind: string, what: string, more: Source = {}) => ({
      kind: "import",
      sources: [{ kind, url: "up:lib.git", track: what, ...more }],
    });
    const describe = { "ref-format": "git-describe" };
    const elements = {
      "git-branch": track("git", "main"),
      "git-tag": track("git", "v1.0"),
      "git-describe": track("git", "release-2", describe),
      "git-tags": track("git", "old", { "track-tags": true, ref: lib.first }),
      "git-tagged": track("git", lib.tagged, { "track-tags": true, ...describe }),
      "repo-branch": track("git_repo", "main"),
      "repo-glob": track("git_repo", "light*", describe),
      "repo-exclude": track("git_repo", "*1.0", { exclude: ["v*"] }),
      "repo-describe": track("git_repo", "main", { ...describe, url: "up:light.git" }),
      "repo-ref": track("git_repo", "refs/heads/[ms]*"),
      "tag-branch": track("git_tag", "main"),
      "tag-tags": track("git_tag", "main", { "track-tags": true, match: ["v*"] }),
      "tag-extra": track("git_tag", "old", { "track-extra": ["side"] }),
      module: {
        kind: "import",
        sources: [
          { kind: "git_repo", url: "up:app.git", ref: app.tip },
          { kind: "git_module", url: "up:middle.git", path: "modules/middle" },
        ],
      },
    };
    const theirs = projectOf(parent, elements);
    const ours = join(tempDir("tracked"), "project");
    cpSync(theirs, ours, { recursive: true });
    const names = Object.keys(elements).map((name) => `${name}.bst`);
    const args = ["source", "track", ...names];
    const [one, other] = await Promise.all([
      runReference(args, {
        cwd: theirs,
        config: cacheConfig({ scheduler: { fetchers: 1 } }),
      }),
      runCli(args, { cwd: ours, config: cacheConfig() }),
    ]);
    expect(one.code, one.stderr).toBe(0);
    expect(other.code, other.stderr).toBe(0);
    const read = (directory: string) => names.map((name) => readFileSync(join(directory, name), "utf8"));
    expect(read(ours)).toEqual(read(theirs));
  });

  it("keeps mirrors that the other can use", { timeout: 300_000 }, async () => {
    const { lib, app, light } = world;
    const elements = Object.fromEntries(
      [
        { kind: "git", url: "up:app.git", ref: app.tip },
        { kind: "git", url: "up:lib.git", ref: `v1.0-0-g${lib.tagged}` },
        { kind: "git_repo", url: "up:lib.git", ref: `v1.0-2-g${lib.ahead}` },
        { kind: "git_repo", url: "up:light.git", ref: light },
        { kind: "git_tag", url: "up:lib.git", ref: `v1.0-0-g${lib.tagged}` },
        { kind: "git_tag", url: "up:light.git", ref: light },
      ].map((source, i) => [`source${i}`, { kind: "import", sources: [source] }]),
    );
    const names = Object.keys(elements).map((name) => `${name}.bst`);
    const args = ["source", "fetch", ...names];
    const nowhere = projectOf("/nowhere", elements);
    for (const [first, second] of [
      [runReference, runCli],
      [runCli, runReference],
    ] as const) {
      const sourcedir = tempDir("sources");
      const config = () => cacheConfig({ sourcedir, scheduler: { fetchers: 1, "network-retries": 0 } });
      const one = await first(args, { cwd: projectOf(parent, elements), config: config() });
      expect(one.code, one.stderr).toBe(0);
      const other = await second(args, { cwd: nowhere, config: config() });
      expect(other.code, other.stderr).toBe(0);
    }
  });

  it.each([
    ["a track without a ref", { kind: "git", url: "up:lib.git" }],
    ["a ref of another form", { kind: "git_repo", url: "up:lib.git", ref: "v1.0" }],
    ["an unknown alias", { kind: "git_repo", url: "upp:lib.git", ref: "0".repeat(40) }],
    ["an unknown format", { kind: "git", url: "up:lib.git", track: "main", "ref-format": "sha" }],
    ["an unknown key", { kind: "git_module", url: "up:lib.git", path: "a", track: "main" }],
    ["a tag without its commit", { kind: "git", url: "up:lib.git", track: "main", tags: [{ tag: "v1.0" }] }],
  ])("has the same error for %s", async (_, source) => {
    const cwd = projectOf(parent, { target: { kind: "import", sources: [source] } });
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    const { theirs, ours } = await ask(["show", "target.bst"], { cwd, configs });
    expect(theirs.error).toBeDefined();
    const { domain, reason } = ours.error ?? {};
    expect({ domain, reason }).toEqual({ domain: theirs.error?.domain, reason: theirs.error?.reason });
  });

  it.each([
    ["ref-not-in-track", { kind: "git", url: "up:lib.git", track: "old", ref: "ahead" }],
    ["git:unlisted-submodule", { kind: "git", url: "up:app.git", ref: "tip" }],
    [
      "git:invalid-submodule",
      { kind: "git", url: "up:lib.git", ref: "ahead", submodules: { nothing: { url: "up:inner.git" } } },
    ],
    [null, { kind: "git", url: "up:lib.git", ref: "0".repeat(40) }],
    [null, { kind: "git_repo", url: "up:lib.git", ref: `v3-0-g${"0".repeat(40)}` }],
  ])("fails to fetch for the same reason: %s", async (reason, source) => {
    const { lib, app } = world;
    const ref = { ahead: lib.ahead, tip: app.tip }[source.ref as "tip"] ?? source.ref;
    const cwd = projectOf(parent, { target: { kind: "import", sources: [{ ...source, ref }] } });
    const conf = join(cwd, "project.conf");
    const warnings = ["ref-not-in-track", "git:unlisted-submodule", "git:invalid-submodule"];
    writeFileSync(conf, `${readFileSync(conf, "utf8")}${stringify({ "fatal-warnings": warnings })}`);
    const settings = { scheduler: { "network-retries": 0 } };
    const configs = { theirs: cacheConfig(settings), ours: cacheConfig(settings) };
    const { theirs, ours } = await ask(["build", "target.bst"], { cwd, configs });
    expect(theirs.error?.task?.reason ?? null).toBe(reason);
    expect(ours.error?.task).toEqual(theirs.error?.task);
  });
});
