/** Kinds have the keys, and sources the information, that they have in each released version of their package. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { cacheConfig, project, writeFiles } from "../helpers.ts";
import { expectSameElements } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { type PackageName, pluginReleases, type Release } from "./plugin-releases.ts";

const sha = "ab".repeat(32);
const commit = "12".repeat(20);
const described = `v1.2.3-4-g${commit}`;
const web = "https://example.org";

interface Case {
  readonly content: Readonly<Record<string, unknown>>;
  /** The first version that knows all of it. */
  readonly since?: string;
}

const sources = (kind: string, config: Readonly<Record<string, unknown>>, since = "0"): Case => ({
  content: {
    kind: "import",
    sources: [
      { kind: "local", path: "files" },
      { kind, ...config },
    ],
  },
  since,
});
const element = (kind: string, config?: Readonly<Record<string, unknown>>, since = "0"): Case => ({
  content: { kind, "build-depends": ["files.bst"], ...(config && { config }) },
  since,
});

const crates = [{ name: "a", version: "1.0.0", sha, provenance: { homepage: web } }];
const gitCrate = { kind: "git", name: "b", version: "2.0.0", repo: `${web}/b.git`, commit, query: { tag: "v2" } };
const archive = { suffix: "a/a-1.2.3.tar.gz", sha256sum: sha };
const goRef = { "go-version": "v1.2.3", "git-ref": described };
const go = { url: `${web}/mod.git`, module: "example.org/mod" };

const CASES: Readonly<Record<PackageName, Readonly<Record<string, Case>>>> = {
  buildstream_plugins: {
    ...Object.fromEntries(
      ["autotools", "cmake", "make", "meson", "pip", "setuptools"].map((kind) => [`e-${kind}`, element(kind)]),
    ),
    bzr: sources("bzr", { url: web, track: "main", ref: "17" }),
    "bzr-version": sources("bzr", { url: web, track: "main", ref: "17", version: "1.2" }, "2.5"),
    cargo: sources("cargo", { ref: [{ name: "a", version: "1.0.0", sha }] }),
    "cargo-facts": sources("cargo", { ref: crates, url: `${web}/crates` }),
    docker: sources("docker", { "registry-url": web, image: "a/b", ref: sha }),
    "docker-url": sources("docker", { url: `${web}/a/b`, ref: sha }, "2.2"),
    "docker-version": sources("docker", { image: "a/b", ref: sha, version: "7" }, "2.5"),
    // Without its repository, an early version fails to say what it is.
    git: sources("git", { url: web, ref: described, tags: [{ tag: "v1.2.3", commit, annotated: true }] }, "2.5"),
    "git-version": sources("git", { url: web, ref: described, "version-guess-pattern": "v(\\d)" }, "2.5"),
    patch: sources("patch", { path: "a.patch", "strip-level": 2 }),
    pip: sources("pip", { packages: ["one"], ref: "one==1.2.3\ntwo==4.5" }),
  },
  buildstream_plugins_community: {
    ...Object.fromEntries(
      [
        ...["bazel_build", "bazelize", "collect_manifest", "dpkg_build"],
        ...["makemaker", "modulebuild", "pyproject", "qmake", "tar_element"],
      ].map((kind) => [`e-${kind}`, element(kind)]),
    ),
    "e-collect_integration": element("collect_integration", { "script-path": "/s" }),
    "e-check_forbidden": element("check_forbidden", { forbidden: ["other.bst"] }),
    "e-cargo": element("cargo", undefined, "2.3"),
    "e-collect_manifest-path": element("collect_manifest", { path: "/m.json" }),
    "e-collect_manifest-spdx": element("collect_manifest", { path: "/m.json", "output-type": "spdx" }, "2.1"),
    "e-flatpak_image": element("flatpak_image", { directory: "/usr", metadata: { Runtime: { name: "org.Test" } } }),
    "e-ostree": element("ostree", { "ostree-branch": "main" }),
    "e-snap_image": element("snap_image", { directory: "/", metadata: {} }),
    bazel_file: sources("bazel_file", { url: `${web}/f-1.2.tar.gz`, ref: sha, "canonical-ids": ["x"] }, "2.1"),
    cargo2: sources("cargo2", { ref: [...crates, gitCrate] }),
    "cargo2-empty": sources("cargo2", { ref: [], "vendor-dir": "own" }),
    cpan: sources("cpan", { name: "A", suffix: "a/A-1.2.tar.gz", sha256sum: sha }),
    "cpan-version": sources("cpan", { name: "A", suffix: "a/A-1.2.tar.gz", sha256sum: sha, version: "3" }, "2.1"),
    deb: sources("deb", { url: `${web}/a-1.2.deb`, ref: sha, "base-dir": "x" }),
    gen_cargo_lock: sources("gen_cargo_lock", { ref: "IyBsb2NrCg==" }),
    git_module: sources("git_module", { url: web, path: "sub", ref: described }),
    git_repo: sources("git_repo", { url: web, ref: described }),
    "git_repo-version": sources("git_repo", { url: web, ref: described, version: "3" }, "2.1"),
    // To say what it is, `git_tag` clones: git-sources.test.ts has it.
    go_module: sources("go_module", { ...go, ref: { ...goRef, explicit: true } }),
    "go_module-implicit": sources("go_module", { ...go, ref: { ...goRef, explicit: false } }),
    "go_module-sub": sources("go_module", { ...go, ref: { ...goRef, explicit: false, subdirectory: "a/b" } }, "2.2"),
    ostree: sources("ostree", { url: web, ref: sha }),
    patch_queue: sources("patch_queue", { path: "patches" }),
    pypi: sources("pypi", { name: "a", ref: archive }),
    "pypi-version": sources("pypi", { name: "a", ref: archive, "version-guess-pattern": "(\\d)" }, "2.1"),
    quilt: sources("quilt", { path: "patches" }),
    zip: sources("zip", { url: `${web}/a-1.2.zip`, ref: sha }),
  },
};

const numbers = (version: string) => version.split(".").map(Number);
function isSince(version: string, since: string): boolean {
  const [own, other] = [numbers(version), numbers(since)];
  const at = own.findIndex((part, i) => part !== (other[i] ?? 0));
  return at < 0 || (own[at] ?? 0) > (other[at] ?? 0);
}

/** Writes a project with the plugins of a release to a folder; returns its elements. */
function subproject(directory: string, { name, version, directory: from }: Release): string[] {
  const cases = Object.entries(CASES[name]).filter(([, { since = "0" }]) => isSince(version, since));
  const kinds = { elements: new Set<string>(), sources: new Set<string>() };
  for (const [, { content }] of cases) {
    const [, source] = (content["sources"] ?? []) as { kind: string }[];
    if (source === undefined) kinds.elements.add(`${content["kind"]}`);
    else kinds.sources.add(source.kind);
  }
  const types = ["elements", "sources"] as const;
  for (const type of types) cpSync(join(from, type), join(directory, "plugins", type), { recursive: true });
  writeFiles(directory, {
    "project.conf": stringify({
      name: `${name}-${version}`.replaceAll(/[._]/g, "-"),
      "min-version": "2.0",
      "source-provenance-attributes": { homepage: "Where it is at home" },
      plugins: types.map((type) => ({ origin: "local", path: `plugins/${type}`, [type]: [...kinds[type]] })),
    }),
    "files.bst": "kind: import\nsources: [{ kind: local, path: files }]\n",
    "files/a": "a\n",
    "a.patch": "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n",
    "patches/1.patch": "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n",
    ...Object.fromEntries(cases.map(([id, { content }]) => [`${id}.bst`, stringify(content)])),
  });
  return cases.map(([id]) => `${id}.bst`);
}

it("in each version of a package", { timeout: 180_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  let releases: readonly Release[];
  try {
    releases = await pluginReleases();
  } catch (error) {
    const reason = `pip cannot download the plugin packages: ${error instanceof Error ? error.message : error}`;
    console.warn(`skipped: ${reason}`);
    return context.skip(reason);
  }
  const cwd = project({ "project.conf": stringify({ name: "test", "min-version": "2.0" }) });
  const targets = releases.flatMap((release) => {
    const junction = `${release.name}-${release.version}`;
    writeFiles(cwd, {
      [`${junction}.bst`]: stringify({ kind: "junction", sources: [{ kind: "local", path: junction }] }),
    });
    return subproject(join(cwd, junction), release).map((name) => `${junction}.bst:${name}`);
  });
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const shown = await ask([...showArguments({ show: ["--deps", "none"] }), ...targets], {
    cwd,
    configs,
    timeoutMs: 150_000,
  });
  expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  expectSameElements(shown);
});
