/**
 * Sources of plugin packages that are declared wrongly: the same errors as BuildStream's, at the same places. A sixth of
 * the cases is asked about; all with BST_TS_ALL=1, which takes minutes.
 */
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { cacheConfig, writeFiles } from "../helpers.ts";
import { expectSameEnding } from "./compare.ts";
import { absent, ask } from "./oracle.ts";
import { sourceProject } from "./source-projects.ts";

type Config = Readonly<Record<string, unknown>>;

const hash = "0".repeat(64);
const commit = "1".repeat(40);

/** A right declaration of each kind, with all keys. */
const kinds: Readonly<Record<string, Config>> = {
  anitya: { "project-id": 1, url: "a:{version}", ref: { version: "1", sha256sum: hash }, exclude: ["x"] },
  bazel_file: { url: "a:x", ref: hash, "canonical-ids": ["x"] },
  bazel_source: { "repo-file": "x", "workspace-dir": "x", targets: ["x"], "allow-host-bazel": false, ref: hash },
  cargo: { url: "a:", ref: [{ name: "a", version: "1", sha: hash }], "vendor-dir": "x", "cargo-lock": "x" },
  cargo2: {
    url: "a:",
    ref: [{ kind: "git", name: "a", version: "1", repo: "a:x", commit, query: { branch: "x" } }],
    "git-mirrors": { x: "y" },
  },
  cpan: { name: "a", suffix: "x", sha256sum: hash, index: "a:" },
  docker: { url: "a:x", ref: hash, track: "x", architecture: "x", os: "linux" },
  gen_cargo_lock: { ref: "eA==" },
  go_module: { url: "a:x", module: "m", ref: { "go-version": "v1.2.3", "git-ref": commit, subdirectory: "x" } },
  patch: { path: "tree/file", "strip-level": 1 },
  patch_queue: { path: "tree" },
  pip: { url: "a:", packages: ["x"], "requirements-files": ["x"], ref: "x==1" },
  pypi: { url: "a:", name: "a", ref: { suffix: "x", sha256sum: hash }, include: ["x"], prereleases: true },
  zip: { url: "a:x", ref: hash, "base-dir": "x", version: "1" },
};

/** BuildStream only checks what it comes to use of these. */
const stricter = new Set(["cargo2 git-mirrors with another type of x"]);

/** Ways to break a declaration, each by itself. */
function* broken(config: Config): Generator<[string, Config]> {
  yield ["with an unknown key", { ...config, unknown: "x" }];
  for (const [key, value] of Object.entries(config)) {
    const { [key]: _, ...rest } = config;
    yield [`without ${key}`, rest];
    yield [`with another type of ${key}`, { ...config, [key]: typeof value === "object" ? "text" : ["list"] }];
    if (typeof value === "boolean" || typeof value === "number") {
      yield [`with another value of ${key}`, { ...config, [key]: "word" }];
    }
    if (key === "url") yield ["with an unknown alias", { ...config, url: "unknown:x" }];
    if (key === "path") yield ["with a path to nowhere", { ...config, path: "missing" }];
    if (key === "path") yield ["with a path to outside", { ...config, path: "../.." }];
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [what, part] of broken(value as Config)) yield [`${key} ${what}`, { ...config, [key]: part }];
    }
    if (Array.isArray(value) && typeof value[0] === "object") {
      for (const [what, part] of broken(value[0])) yield [`${key} ${what}`, { ...config, [key]: [part] }];
    }
  }
}

describe.skipIf(absent !== undefined)("errors of sources", { timeout: 240_000 }, () => {
  it.each(Object.entries(kinds))("%s", async (kind, config) => {
    const step = process.env["BST_TS_ALL"] === undefined ? 6 : 1;
    const cases = [...broken(config)].filter(([what], i) => i % step === 0 && !stricter.has(`${kind} ${what}`));
    const files = { "tree/file": "x" };
    const cwd = sourceProject({}, files, { aliases: { a: "https://example.com/" } });
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    const different: string[] = [];
    for (const [i, [what, wrong]] of cases.entries()) {
      const sources = [
        { kind: "local", path: "tree" },
        { kind, ...wrong },
      ];
      writeFiles(cwd, { [`${i}.bst`]: `# ${what}\n${stringify({ kind: "import", sources })}` });
      try {
        expectSameEnding(await ask(["show", "--format", "%{full-key}", `${i}.bst`], { cwd, configs }));
      } catch (error) {
        different.push(`${what}: ${error instanceof Error ? error.message : error}`);
      }
    }
    expect(different).toEqual([]);
  });
});
