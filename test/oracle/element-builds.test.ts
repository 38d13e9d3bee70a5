/** Element kinds of plugin packages make the same as BuildStream's. What programs would do is left to programs that only say how they were called. */

import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cacheConfig, type FileContent } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { GitRepository } from "../sources/git-repository.ts";
import { archive } from "../sources/tar-writer.ts";
import { expectSameElements } from "./compare.ts";
import { type Content, kindsProject, writeElements } from "./kinds-project.ts";
import { absent, ask, showArguments } from "./oracle.ts";

/** Programs that say how they were called: what they would do is not what is compared. */
const programs: Record<string, string> = {
  ostree: `case "$*" in *init*) for a; do case "$a" in --repo=*) mkdir -p "\${a#--repo=}"; echo "$*" >> "\${a#--repo=}/log";; esac; done;; esac
case "$2" in --repo) mkdir -p "$3"; echo "$*" >> "$3/log";; esac
case "$1" in commit) (cd "$5" && find . | sort) >> "$3/log";; pull-local) cat "$4/log" >> "$3/log";; esac`,
  flatpak: `for a; do case "$a" in /buildstream/repo) r=$a;; /buildstream/input/*) i=$a;; esac; done
echo "$*" >> "$r/log"; test -z "$i" || (cd "$i" && find . | sort) >> "$r/log"`,
  appstreamcli: `mkdir -p /buildstream/install/share; echo "$*" >> /buildstream/install/share/log`,
  "dpkg-deb": `name=\${2##*/}; (cd "$2" && for f in $(find . -type f | sort); do echo "$f"; cat "$f"; done) > "$3/$name.deb"`,
};

function buildElements(directory: string, ref: string, commit: string): Record<string, Content> {
  const local = (path: string) => [{ kind: "local", path }];
  const image = { filename: "parts/app.bst", config: { input: true } };
  const metadata = {
    Application: { name: "org.test.App", runtime: "org.test.Runtime/x86_64/1", command: "app" },
    "Extension org.test.App.Locale": { directory: "share/runtime/%%locale", autodelete: true, text: "a\nb" },
    Empty: { none: "" },
  };
  const url = `file://${directory}/package_a-1.2.3.tar`;
  const git = { url: `file://${directory}/repository.git`, track: "main" };
  const tarred = { kind: "tar", url, ref, "base-dir": "" };
  return {
    root: {
      kind: "import",
      sources: local("root"),
      public: { bst: { "integration-commands": ["echo integrated > /integrated"] } },
    },
    "parts/app": {
      kind: "import",
      depends: ["parts/library.bst"],
      sources: local("app"),
      public: { bst: { "integration-commands": ["echo app", "echo again"] } },
    },
    "parts/library": {
      kind: "import",
      sources: local("library"),
      public: { "bazelize-data": { includes: ["b", "a"] } },
    },
    "parts/stack": { kind: "stack", depends: ["parts/app.bst", "parts/plain.bst"] },
    "parts/plain": { kind: "import", sources: local("files"), depends: ["parts/library.bst"] },
    "parts/user": { kind: "import", sources: local("python"), "runtime-depends": ["parts/stack.bst"] },

    snap: {
      kind: "snap_image",
      "build-depends": ["parts/app.bst"],
      config: {
        directory: "/usr",
        metadata: {
          name: "snap",
          version: "1.1",
          apps: { one: { command: "x", plugs: ["b", "a"] } },
          list: [["0x1"], {}],
        },
        exclude: ["devel"],
      },
    },
    allowed: { kind: "check_forbidden", "build-depends": ["parts/stack.bst"], config: { forbidden: ["root.bst"] } },
    flatpak: {
      kind: "flatpak_image",
      "build-depends": [
        "parts/app.bst",
        { filename: "parts/plain.bst", config: { location: "/buildstream/install/files/extra" } },
      ],
      config: { directory: "/usr", exclude: ["devel"], metadata },
    },
    "flatpak-runtime": {
      kind: "flatpak_image",
      "build-depends": ["parts/stack.bst"],
      config: { directory: "/usr", metadata: { Runtime: { name: "org.test.Runtime" } } },
    },
    "flatpak-extension": {
      kind: "flatpak_image",
      "build-depends": ["parts/stack.bst"],
      config: { directory: "/usr/share", metadata: { Runtime: { name: "a" }, ExtensionOf: { ref: "b" } } },
    },
    "flatpak-catalogue": {
      kind: "flatpak_image",
      "build-depends": ["parts/app.bst", { filename: "root.bst", config: { location: "/" } }],
      config: { directory: "/usr", metadata, "component-ids": ["org.one", "org.two"] },
    },
    "flatpak-both": { kind: "stack", depends: ["flatpak-runtime.bst", "flatpak-extension.bst"] },
    repository: {
      kind: "flatpak_repo",
      "build-depends": [
        "root.bst",
        { filename: "flatpak.bst", config: { "flatpak-image": true } },
        { filename: "flatpak-both.bst", config: { "flatpak-stack": true, branch: "2" } },
      ],
      config: { "copy-refs": [{ src: "one", dest: "two" }] },
    },
    ostree: {
      kind: "ostree",
      "build-depends": ["root.bst", { filename: "parts/stack.bst", config: { sysroot: true } }],
      variables: { sysroot: "%{build-root}/sysroot" },
      config: { "ostree-branch": "it's/main", "initial-commands": ["cp /integrated %{build-root}/sysroot/seen"] },
    },
    x86: {
      kind: "x86image",
      "build-depends": ["root.bst", image],
      config: {
        "filesystem-tree-setup-commands": {
          "(=)": ["mv %{build-root}/usr /buildstream/usr", "pwd > /buildstream/pwd"],
        },
        "filesystem-image-creation-commands": { "(=)": ["(cd /buildstream && find usr | sort) > /buildstream/list"] },
        "partition-commands": { "(=)": ["cat /buildstream/pwd /buildstream/list > %{install-root}/sda.img"] },
      },
    },
    debian: {
      kind: "dpkg_build",
      "build-depends": ["root.bst"],
      sources: local("debian"),
      config: {
        "build-commands": { "(=)": ["chmod +x build", "./build <PACKAGES>"] },
        "install-commands": { "(=)": ["for p in %{packages}; do cp -r debian/$p/. %{install-root}; done"] },
        "strip-commands": { "(=)": ["rm -r %{install-root}/DEBIAN"] },
      },
    },
    scripts: {
      kind: "collect_integration",
      "build-depends": ["parts/stack.bst"],
      config: { "script-path": "/a/script" },
    },
    "scripts-ignoring": {
      kind: "collect_integration",
      "build-depends": ["parts/stack.bst"],
      config: { "script-path": "script", ignore: ["parts/app.bst"] },
    },
    bazel: { kind: "bazelize", "build-depends": ["parts/user.bst", "parts/app.bst", "parts/library.bst"] },
    "bazel-part": { kind: "bazelize", "build-depends": ["parts/app.bst"], config: { exclude: ["devel"] } },

    "sources/archive": { kind: "import", sources: [tarred] },
    "sources/cpe": {
      kind: "import",
      sources: [tarred],
      public: { cpe: { vendor: "ven\u00e9", product: "own", "version-match": "(?P<a>\\d)\\.(\\d)(x)?" } },
    },
    "sources/version": {
      kind: "import",
      sources: local("files"),
      public: { cpe: { version: "9" } },
      depends: ["sources/several.bst"],
    },
    "sources/several": {
      kind: "import",
      sources: [
        ...local("files"),
        { kind: "patch", path: "patches/one.patch" },
        { kind: "patch_queue", path: "queue" },
      ],
    },
    "sources/remote": {
      kind: "import",
      sources: [
        {
          kind: "remote",
          url,
          ref,
          filename: "x",
          provenance: { homepage: "https://example.org", "issue-tracker": "https://example.org/issues" },
        },
      ],
    },
    "sources/git": { kind: "import", sources: [{ ...git, kind: "git_repo", ref: `v1.5-1-g${commit}` }] },
    "sources/git-plain": { kind: "import", sources: [{ ...git, kind: "git_tag", ref: commit }] },
    "sources/all-git": { kind: "stack", depends: ["sources/git.bst", "sources/git-plain.bst"] },
    "sources/all": { kind: "stack", depends: ["archive", "cpe", "version", "remote"].map((s) => `sources/${s}.bst`) },
    manifest: { kind: "collect_manifest", "build-depends": ["sources/all.bst"], config: { path: "/a/manifest.json" } },
    "manifest-legacy": {
      kind: "collect_manifest",
      "build-depends": ["sources/all.bst"],
      config: { path: "manifest.json", "use-source-provenance": false },
    },
    spdx: {
      kind: "collect_manifest",
      "build-depends": ["sources/all.bst"],
      config: {
        path: "/spdx.json",
        "output-type": "spdx",
        "spdx-info": { creators: ["Tool: it"], created: 1700000000, "doc-namespace": "ns", name: "\u00fc" },
      },
    },
    "spdx-legacy": {
      kind: "collect_manifest",
      "build-depends": ["sources/archive.bst", "sources/several.bst"],
      config: { path: "/spdx.json", "output-type": "spdx", "use-source-provenance": false },
    },
    "manifest-of-manifests": {
      kind: "collect_manifest",
      "build-depends": ["manifest.bst", "manifest-legacy.bst", "sources/remote.bst"],
      config: { path: "/manifest.json" },
    },
    "spdx-of-manifests": {
      kind: "collect_manifest",
      "build-depends": ["manifest.bst", "sources/remote.bst"],
      config: { path: "/spdx.json", "output-type": "spdx" },
    },
  };
}

const files: Record<string, FileContent> = {
  "files/usr/bin/plain": { executable: "plain" },
  "files/usr/share/with space": "",
  "app/usr/bin/app": { executable: "app" },
  "app/usr/lib/libapp.so.1.2": "app",
  "app/usr/lib/libapp.so": { symlink: "libapp.so.1.2" },
  "app/usr/include/app.v2.hpp": "app",
  "app/usr/lib/noprefix.so": "app",
  "app/etc/app.conf": "app",
  "library/usr/lib/liblibrary.a": "a",
  "library/usr/include/library.h": "h",
  "library/usr/include/z.h": "h",
  "python/usr/lib/python3/site-packages/module/__init__.py": "py",
  "python/usr/lib/python3/site-packages/module/data": "py",
  "debian/debian/control":
    "Source: thing\n\nPackage: thing\nArchitecture: any\n\nPackage: thing-dev\nArchitecture: all\n",
  "debian/build": `#!/bin/sh
for p in "$@"; do
  mkdir -p debian/$p/DEBIAN debian/$p/usr/$p
  echo "Package: $p" > debian/$p/DEBIAN/control
  echo "Version: 1" >> debian/$p/DEBIAN/control
  echo $p > debian/$p/usr/$p/file
  echo same > debian/$p/usr/same
done
echo "#!/bin/sh" > debian/thing/DEBIAN/postinst
`,
  "queue/1.patch": "--- a/etc/conf\n+++ b/etc/conf\n@@ -1 +1 @@\n-new\n+newer\n",
  "queue/2.patch": "--- a/etc/conf\n+++ b/etc/conf\n@@ -1 +1 @@\n-newer\n+newest\n",
  "patches/one.patch": "--- a/etc/conf\n+++ b/etc/conf\n@@ -1 +1 @@\n-conf\n\\ No newline at end of file\n+new\n",
};

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

it("element kinds that are built", { timeout: 300_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = kindsProject(files);
  writeRoot(join(cwd, "root"));
  for (const [name, script] of Object.entries(programs)) {
    const path = join(cwd, "root/usr/bin", name);
    writeFileSync(path, `#!/bin/sh\nset -e\n${script}\n`);
    chmodSync(path, 0o755);
  }
  const bytes = archive([{ name: "package/file", content: "content" }]);
  writeFileSync(join(cwd, "package_a-1.2.3.tar"), bytes);
  const repository = new GitRepository(cwd, "repository.git");
  repository.commit("one", { file: "one" });
  repository.tag("v1.5", { annotated: true });
  const commit = repository.commit("two", { file: "two" });
  const targets = writeElements(cwd, buildElements(cwd, sha256(bytes), commit));
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const built = await ask(["--on-error", "continue", "build", ...targets], { cwd, configs, timeoutMs: 200_000 });
  expect(built.theirs.code, built.theirs.stderr).toBe(0);
  expect(built.ours.code, built.ours.stderr).toBe(0);
  // Checkouts have times in their .git.
  const compared = targets.filter((name) => !name.startsWith("sources/git"));
  const shown = await ask([...showArguments({ build: true, show: ["--deps", "none"] }), ...compared], { cwd, configs });
  expectSameElements(shown);
});
