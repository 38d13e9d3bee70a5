/** Element kinds of plugin packages have the same keys and configuration as BuildStream's, with each key that they know. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cacheConfig } from "../helpers.ts";
import { expectSameElements } from "./compare.ts";
import { buildKinds, type Content, communityBuildKinds, kindsProject, writeElements } from "./kinds-project.ts";
import { absent, ask, showArguments } from "./oracle.ts";

const steps = ["configure-commands", "build-commands", "install-commands", "strip-commands"];

/** Elements that need not be built to see whether their keys are the same. */
function keyElements(): Record<string, Content> {
  const elements: Record<string, Content> = {};
  for (const kind of [...buildKinds, ...communityBuildKinds]) {
    elements[`${kind}-plain`] = { kind };
    elements[`${kind}-all`] = {
      kind,
      "build-depends": [
        "files.bst",
        { filename: "other.bst", config: { location: "/other", "digest-environment": "DIGEST" } },
      ],
      "runtime-depends": ["other.bst"],
      sources: [{ kind: "local", path: "files" }],
      variables: { notparallel: true, "command-subdir": "sub", prefix: "/opt" },
      environment: { V: "2", OWN: "%{prefix}" },
      config: Object.fromEntries(steps.map((step) => [step, [`echo ${step}`, "%{strip-binaries}"]])),
      public: { bst: { "split-rules": { own: ["/own/**"] } } },
    };
  }
  const image = ["files.bst", { filename: "other.bst", config: { input: true } }];
  const imageKinds = {
    x86image: ["filesystem-tree-setup", "filesystem-image-creation", "partition", "final"].map((s) => `${s}-commands`),
    fastboot_bootimg: ["create_dtb", "create_img", "install_img"],
    fastboot_ext4: ["create_dev_proc_shadow", "create_img", "install_img"],
    dpkg_deploy: ["build-commands"],
  };
  for (const [kind, commands] of Object.entries(imageKinds)) {
    elements[`${kind}-plain`] = { kind, "build-depends": image };
    elements[`${kind}-all`] = {
      kind,
      "build-depends": image,
      variables: { cwd: "/somewhere", "install-root": "/result" },
      config: Object.fromEntries(commands.map((step) => [step, { "(>)": [`echo ${step}`] }])),
    };
  }
  elements["fastboot_bootimg-open"] = { kind: "fastboot_bootimg", "build-depends": image, config: { unknown: "key" } };
  elements["check_forbidden-all"] = {
    kind: "check_forbidden",
    depends: ["files.bst"],
    config: { forbidden: ["z.bst", "a.bst", "a.bst"] },
  };
  elements["tar_element-plain"] = { kind: "tar_element", "build-depends": ["files.bst"] };
  elements["tar_element-all"] = {
    kind: "tar_element",
    "build-depends": ["files.bst"],
    config: { filename: "%{project-name}", compression: "xz" },
  };
  elements["snap_image-plain"] = {
    kind: "snap_image",
    "build-depends": ["files.bst"],
    config: { directory: "/", metadata: {} },
  };
  elements["snap_image-all"] = {
    kind: "snap_image",
    "build-depends": ["files.bst"],
    config: {
      directory: "%{prefix}",
      include: ["runtime", "devel"],
      exclude: ["locale", "debug"],
      "include-orphans": false,
      metadata: { name: "snap", version: 1.1, apps: { one: { command: "x", plugs: ["b", "a"] } }, list: [[1], {}] },
    },
  };
  elements["ostree-plain"] = {
    kind: "ostree",
    "build-depends": ["files.bst"],
    config: { "ostree-branch": "main" },
  };
  elements["ostree-all"] = {
    kind: "ostree",
    "build-depends": ["files.bst", { filename: "other.bst", config: { sysroot: true } }],
    config: { "ostree-branch": "%{project-name}/main", "initial-commands": ["true", "false"] },
  };
  const metadata = { Runtime: { name: "org.test.Runtime", runtime: "a/b/c" }, Environment: { A: "1", B: "%%" } };
  elements["flatpak_image-plain"] = {
    kind: "flatpak_image",
    "build-depends": ["files.bst"],
    config: { directory: "/usr", metadata },
  };
  elements["flatpak_image-all"] = {
    kind: "flatpak_image",
    "build-depends": ["files.bst", { filename: "other.bst", config: { location: "/elsewhere" } }],
    config: {
      directory: "%{prefix}",
      include: ["runtime", "devel"],
      exclude: ["locale", "debug"],
      metadata: { Application: { name: "org.%{project-name}.App" }, "Extension X": { directory: "x" } },
      "component-ids": ["org.b", "org.a"],
    },
  };
  elements["flatpak_repo-plain"] = {
    kind: "flatpak_repo",
    "build-depends": ["files.bst", { filename: "flatpak_image-plain.bst", config: { "flatpak-image": true } }],
  };
  elements["flatpak-stack"] = { kind: "stack", depends: ["flatpak_image-plain.bst", "flatpak_image-all.bst"] };
  elements["flatpak_repo-all"] = {
    kind: "flatpak_repo",
    "build-depends": [
      "files.bst",
      { filename: "flatpak-stack.bst", config: { "flatpak-stack": true, branch: "other" } },
    ],
    config: {
      arch: "x86_64",
      branch: "main",
      "repo-mode": "bare-user",
      "copy-refs": [
        { src: "a", dest: "b" },
        { src: "c", dest: "d" },
      ],
    },
  };
  const spdx = { creators: ["Tool: b", "Tool: a"], created: 1700000000, "data-license": "CC0", name: "n" };
  const manifests: Record<string, Content | undefined> = {
    plain: undefined,
    path: { path: "/manifest.json" },
    legacy: { path: "/manifest.json", "use-source-provenance": false },
    spdx: { path: "/spdx.json", "output-type": "spdx", "spdx-info": { ...spdx, "doc-namespace": "ns" } },
    "spdx-empty": { "output-type": "spdx" },
    open: { unknown: "key" },
  };
  for (const [name, config] of Object.entries(manifests)) {
    elements[`collect_manifest-${name}`] = {
      kind: "collect_manifest",
      "build-depends": ["files.bst"],
      ...(config && { config }),
    };
  }
  elements["collect_integration-all"] = {
    kind: "collect_integration",
    "build-depends": ["files.bst", "other.bst"],
    config: { "script-path": "%{prefix}/script", ignore: ["other.bst", "files.bst", "other.bst"] },
  };
  elements["bazelize-plain"] = { kind: "bazelize", "build-depends": ["files.bst"] };
  elements["bazelize-all"] = {
    kind: "bazelize",
    "build-depends": ["files.bst"],
    config: { include: ["runtime", "devel"], exclude: ["locale", "debug"], "include-orphans": false },
  };
  return elements;
}

it("element kinds with all their keys", { timeout: 120_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = kindsProject();
  const targets = writeElements(cwd, keyElements());
  const shown = await ask([...showArguments({ show: ["--deps", "none"] }), ...targets], {
    cwd,
    configs: { theirs: cacheConfig(), ours: cacheConfig() },
  });
  expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  expectSameElements(shown);
});

it("element kinds of plugins that say otherwise of themselves", { timeout: 120_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = kindsProject();
  const change = (kind: string, ...edits: readonly (readonly [from: RegExp, to: string])[]) => {
    const path = join(cwd, "plugins/buildstream_plugins_community/elements", `${kind}.py`);
    const before = readFileSync(path, "utf8");
    const after = edits.reduce((text, [from, to]) => text.replace(from, to), before);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
  };
  change("bazelize", [/ARTIFACT_VERSION = \d+/, "ARTIFACT_VERSION = 17"]);
  change("collect_manifest", [/ {4}BST_(RUN|FORBID|STRICT)\w+ = \w+\n/g, ""]);
  change("tar_element", [/BST_STRICT_REBUILD = True/, "BST_STRICT_REBUILD = False"]);
  change("x86image", [
    /BST_MIN_VERSION.*/,
    'BST_MIN_VERSION = "2.0"\n    BST_STRICT_REBUILD = False\n    BST_ARTIFACT_VERSION = 2',
  ]);
  change("cargo", [/BST_MIN_VERSION.*/, 'BST_MIN_VERSION = "2.0"\n    BST_RUN_COMMANDS = False']);
  const dependencies = { depends: ["files.bst"] };
  const targets = writeElements(cwd, {
    bazelize: { kind: "bazelize", "build-depends": ["files.bst"] },
    manifest: { kind: "collect_manifest", ...dependencies, sources: [{ kind: "local", path: "files" }] },
    archive: { kind: "tar_element", "build-depends": ["files.bst"] },
    image: { kind: "x86image", "build-depends": [{ filename: "files.bst", config: { input: true } }] },
    crate: { kind: "cargo", ...dependencies },
  });
  const shown = await ask([...showArguments({ show: ["--deps", "none"] }), ...targets], {
    cwd,
    configs: { theirs: cacheConfig(), ours: cacheConfig() },
  });
  expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  expectSameElements(shown);
});
