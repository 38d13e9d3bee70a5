/** Projects that have all element kinds of the plugin packages. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { type FileContent, project } from "../helpers.ts";
import { copyPlugins, pluginOrigins } from "./plugin-packages.ts";

/** Those that differ from each other in their defaults only. */
export const buildKinds = ["autotools", "make", "cmake", "meson", "pip", "setuptools"];
export const communityBuildKinds = [
  ...["pyproject", "makemaker", "modulebuild", "cargo", "qmake", "bazel_build"],
  "dpkg_build",
];
const otherKinds = [
  ...["bazelize", "check_forbidden", "collect_integration", "collect_manifest", "dpkg_deploy", "fastboot_bootimg"],
  ...["fastboot_ext4", "flatpak_image", "flatpak_repo", "ostree", "snap_image", "tar_element", "x86image"],
];

export type Content = Readonly<Record<string, unknown>>;

/** A project with these files, among them a folder `files` that two elements import, `files.bst` and `other.bst`. */
export function kindsProject(files: Readonly<Record<string, FileContent>> = {}): string {
  const imported = "kind: import\nsources: [{ kind: local, path: files }]\n";
  const cwd = project({
    "project.conf": stringify({
      name: "test",
      "min-version": "2.0",
      variables: { arch: "x86_64", branch: "stable" },
      environment: { PATH: "/usr/bin" },
      plugins: [
        ...pluginOrigins("elements", {
          buildstream_plugins: buildKinds,
          buildstream_plugins_community: [...communityBuildKinds, ...otherKinds],
        }),
        ...pluginOrigins("sources", {
          buildstream_plugins: ["patch"],
          buildstream_plugins_community: ["git_repo", "git_tag", "patch_queue"],
        }),
      ],
    }),
    "files/etc/conf": "conf",
    "files.bst": imported,
    "other.bst": imported,
    ...files,
  });
  copyPlugins(cwd, "elements");
  copyPlugins(cwd, "sources");
  return cwd;
}

/** Writes elements by their names without `.bst`; returns the names with it. */
export function writeElements(cwd: string, elements: Readonly<Record<string, Content>>): string[] {
  return Object.entries(elements).map(([name, content]) => {
    const path = join(cwd, `${name}.bst`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, stringify(content));
    return `${name}.bst`;
  });
}
