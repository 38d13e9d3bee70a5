/** Sources of kinds `patch` and `patch_queue` make the same trees as BuildStream's. */
import { beforeAll, describe, it } from "vitest";
import type { FileContent } from "../helpers.ts";
import { absent } from "./oracle.ts";
import { expectSameBuilds, expectSameWorkspace, sourceProject } from "./source-projects.ts";

const tree = { kind: "local", path: "tree" };

const files: Record<string, FileContent> = {
  "tree/a": Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join(""),
  "tree/run": { executable: "#!/bin/sh\necho old\n" },
  "tree/folder/only": "gone soon\n",
  "tree/folder2/one": "one\n",
  "tree/folder2/two": "two\n",
  "tree/link": { symlink: "a" },
  "tree/with space": "old\n",
  "tree/ümlaut": "old\n",
  "tree/other": "untouched\n",
};

const edit = (path: string, from = "old", to = "new") =>
  `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-${from}\n+${to}\n`;

const patches: Record<string, string> = {
  exact: `${edit("a", "line 0", "first").replace("@@ -1 +1 @@", "@@ -1,2 +1,2 @@")} line 1\n`,
  offset: `--- a/a\n+++ b/a\n@@ -3,3 +3,3 @@\n line 9\n-line 10\n+ten\n line 11\n`,
  fuzz: `--- a/a\n+++ b/a\n@@ -8,7 +8,7 @@\n line 7\n line 8\n line 9\n-line 10\n+ten\n line 11\n line 12\n not there\n`,
  create: "--- /dev/null\n+++ b/new/deep/file\n@@ -0,0 +1 @@\n+content\n",
  remove: "--- a/folder/only\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone soon\n",
  "remove-one": "--- a/folder2/one\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
  executable: `diff --git a/run b/run\n--- a/run\n+++ b/run\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo old\n+echo new\n`,
  mode: "diff --git a/other b/other\nold mode 100644\nnew mode 100755\n",
  rename: "diff --git a/other b/sub/moved\nsimilarity index 100%\nrename from other\nrename to sub/moved\n",
  "git-create":
    "diff --git a/x/y b/x/y\nnew file mode 100755\nindex 0000000..257cc56\n--- /dev/null\n+++ b/x/y\n@@ -0,0 +1 @@\n+foo\n",
  "git-link":
    "diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1de5659\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n",
  space: `--- "a/with space"\n+++ "b/with space"\n@@ -1 +1 @@\n-old\n+new\n`,
  tab: "--- a/with space\t2020-01-01 00:00:00\n+++ b/with space\t2020-01-01 00:00:00\n@@ -1 +1 @@\n-old\n+new\n",
  quoted: `--- "a/\\303\\274mlaut"\n+++ "b/\\303\\274mlaut"\n@@ -1 +1 @@\n-old\n+new\n`,
};

describe.skipIf(absent !== undefined)("patches", () => {
  const names = Object.keys(patches);
  // What only one of the two programs can apply.
  const notGit = ["fuzz"];
  let cwd: string;

  beforeAll(() => {
    const queue = names.filter((name) => !notGit.includes(name));
    cwd = sourceProject(
      Object.fromEntries([
        ...names.map((name) => [`patch-${name}`, [tree, { kind: "patch", path: `patches/${name}` }]]),
        ...queue.map((name) => [`queue-${name}`, [tree, { kind: "patch_queue", path: `queues/${name}` }]]),
        ["strip", [tree, { kind: "patch", path: "strip.patch", "strip-level": 3 }]],
        [
          "below",
          [
            { ...tree, directory: "deep" },
            { kind: "patch", path: "patches/exact", directory: "deep" },
          ],
        ],
        ["several", [tree, { kind: "patch_queue", path: "several" }, { kind: "patch", path: "patches/remove" }]],
      ]),
      {
        ...files,
        ...Object.fromEntries(names.map((name) => [`patches/${name}`, patches[name] ?? ""])),
        ...Object.fromEntries(queue.map((name) => [`queues/${name}/0.patch`, patches[name] ?? ""])),
        "several/1.patch": edit("ümlaut"),
        "several/10.patch": edit("ümlaut", "new", "newer"),
        "several/2.patch": edit("ümlaut", "newer", "newest"),
        "strip.patch": edit("b/c/ümlaut"),
      },
    );
  });

  it("make the same trees", { timeout: 300_000 }, async () => {
    const elements = [
      ...names.map((name) => `patch-${name}.bst`),
      ...names.filter((name) => !notGit.includes(name)).map((name) => `queue-${name}.bst`),
      "strip.bst",
      "below.bst",
      "several.bst",
    ];
    await expectSameBuilds(cwd, elements);
  });

  it("make the same workspaces", { timeout: 100_000 }, async () => {
    const sources = [
      tree,
      { kind: "patch", path: "fuzz" },
      { kind: "patch_queue", path: "queue" },
      { kind: "local", path: "queue" },
    ];
    const contents = {
      ...files,
      fuzz: patches["fuzz"] ?? "",
      "queue/0.patch": patches["remove"] ?? "",
      "queue/1.patch": patches["rename"] ?? "",
    };
    await expectSameWorkspace(() => sourceProject({ patched: sources }, contents), "patched.bst");
  });
});
