/** Kind `bazel_build`: builds a target of a Bazel project, from repositories that a source has downloaded. */
import { buildElement } from "./build-element.ts";

/** What Bazel keeps between commands. */
const HOME = "/bazel-home";

export const bazelBuild = buildElement(
  "bazel_build",
  {
    variables: {
      target: "",
      "bazel-startup-global": "",
      "bazel-startup-local": "",
      bazel: `bazel --output_user_root ${HOME} %{bazel-startup-global} %{bazel-startup-local}`,
      "bazel-build-global": "",
      "bazel-build-local": "",
      strip: "sometimes",
      "compilation-mode": "fastbuild",
      distdir: "_bst_distdir",
      repo_cache: "_bst_repository_cache",
      registry: "no-registry-configured",
      "bazel-build": [
        "%{bazel} build %{target}",
        "--distdir %{distdir}",
        "--repository_cache %{build-root}/%{repo_cache}",
        "--registry file://%{build-root}/%{registry}",
        "--compilation_mode %{compilation-mode}",
        "--strip %{strip}",
        "--verbose_failures",
        "%{bazel-build-global} %{bazel-build-local}",
      ].join(" "),
    },
    commands: { "build-commands": ["%{bazel-build}"], "strip-commands": [] },
  },
  { writable: [HOME] },
);
