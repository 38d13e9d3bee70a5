/** What is wrong with elements of plugin packages' kinds, both programs say alike. */
import { expect, it } from "vitest";
import { cacheConfig } from "../helpers.ts";
import { expectSameEnding } from "./compare.ts";
import { type Content, kindsProject, writeElements } from "./kinds-project.ts";
import { absent, ask } from "./oracle.ts";

const input = (config: unknown) => ({ "build-depends": [{ filename: "files.bst", config }] });
const one = { "build-depends": ["files.bst"] };
const sources = { sources: [{ kind: "local", path: "files" }] };
const runtime = { Runtime: { name: "org.test" } };
const flatpak = { kind: "flatpak_image", ...one };

/** By name, whether it is loading that fails or building. */
const faults: Readonly<Record<"show" | "build", Readonly<Record<string, Content>>>> = {
  show: {
    "unknown key of a build kind": { kind: "make", config: { commands: [] } },
    "text for commands": { kind: "cmake", config: { "build-commands": "make" } },
    "unknown key of a dependency": { kind: "meson", ...input({ input: true }) },
    "image without input": { kind: "x86image", ...one },
    "image with an input that is none": { kind: "fastboot_ext4", ...input({ input: false }) },
    "image with an input that is no boolean": { kind: "fastboot_bootimg", ...input({ input: "perhaps" }) },
    "image with unknown steps": { kind: "x86image", ...input({ input: true }), config: { unknown: [] } },
    "image with sources": { kind: "x86image", ...input({ input: true }), ...sources },
    "packages without input": { kind: "dpkg_deploy", ...one },
    "flatpak without metadata": { ...flatpak, config: { directory: "/usr" } },
    "flatpak without directory": { ...flatpak, config: { metadata: runtime } },
    "flatpak of no type": { ...flatpak, config: { directory: "/usr", metadata: { Other: {} } } },
    "flatpak with a list in metadata": {
      ...flatpak,
      config: { directory: "/usr", metadata: { Runtime: { a: ["b"] } } },
    },
    "flatpak with text for metadata": { ...flatpak, config: { directory: "/usr", metadata: { Runtime: "a" } } },
    "flatpak with a percent sign": { ...flatpak, config: { directory: "/usr", metadata: { Runtime: { a: "5%" } } } },
    "flatpak with a dependency nowhere": { ...flatpak, ...input({}), config: { directory: "/usr", metadata: runtime } },
    "flatpak with runtime dependencies": {
      ...flatpak,
      "runtime-depends": ["other.bst"],
      config: { directory: "/usr", metadata: runtime },
    },
    "repository without flatpaks": { kind: "flatpak_repo", ...one },
    "repository of what is neither": { kind: "flatpak_repo", ...input({}) },
    "repository of what is both": {
      kind: "flatpak_repo",
      ...input({ "flatpak-image": true, "flatpak-stack": true }),
    },
    "repository of what is no stack": { kind: "flatpak_repo", ...input({ "flatpak-stack": true }) },
    "repository with half a copy": {
      kind: "flatpak_repo",
      ...input({ "flatpak-image": true }),
      config: { "copy-refs": [{ src: "a" }] },
    },
    "nothing forbidden": { kind: "check_forbidden", ...one },
    "archive compressed by nobody": { kind: "tar_element", ...one, config: { compression: "lz4" } },
    "archive of sources": { kind: "tar_element", ...sources },
    "snap without metadata": { kind: "snap_image", ...one, config: { directory: "/" } },
    "commit on no branch": { kind: "ostree", ...one },
    "sysroot that is no boolean": { kind: "ostree", ...input({ sysroot: "x" }), config: { "ostree-branch": "main" } },
    "manifest of another form": { kind: "collect_manifest", ...one, config: { "output-type": "xml" } },
    "manifest with unknown facts": { kind: "collect_manifest", ...one, config: { "spdx-info": { unknown: "x" } } },
    "manifest of no time": { kind: "collect_manifest", ...one, config: { "spdx-info": { created: "noon" } } },
    "script nowhere": { kind: "collect_integration", ...one },
    "script of sources": { kind: "collect_integration", ...sources, config: { "script-path": "/a" } },
    "script without what is not there": {
      kind: "collect_integration",
      ...one,
      config: { "script-path": "/a", ignore: ["files.bst", "other.bst"] },
    },
    "bazel project with an unknown key": { kind: "bazelize", ...one, config: { unknown: [] } },
  },
  build: {
    "something forbidden": { kind: "check_forbidden", ...one, config: { forbidden: ["files.bst"] } },
    "version pattern that matches nothing": { kind: "collect_manifest", "build-depends": ["cpe.bst"] },
    "unknown facts for bazel": { kind: "bazelize", "build-depends": ["bazel-data.bst"] },
    "packages of what has none": { kind: "dpkg_deploy", ...input({ input: true }) },
    "packages of what is not split": {
      kind: "dpkg_deploy",
      "build-depends": [{ filename: "unsplit.bst", config: { input: true } }],
    },
  },
};

const helpers: Readonly<Record<string, Content>> = {
  cpe: { kind: "import", ...sources, public: { cpe: { "version-match": "x(\\d)" } } },
  "bazel-data": { kind: "import", ...sources, public: { "bazelize-data": { unknown: [] } } },
  unsplit: { kind: "import", ...sources, public: { bst: { "dpkg-data": { one: { control: "x" } } } } },
};

const cases = Object.entries(faults).flatMap(([command, elements]) =>
  Object.entries(elements).map(([name, element]) => ({ name, command, element })),
);

it.concurrent.for(cases)("$command: $name", async ({ command, element }, context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = kindsProject();
  writeElements(cwd, { ...helpers, broken: element });
  const answers = await ask([command, "broken.bst"], {
    cwd,
    configs: { theirs: cacheConfig(), ours: cacheConfig() },
  });
  expect(answers.theirs.code, answers.theirs.stdout).not.toBe(0);
  expectSameEnding(answers);
});
