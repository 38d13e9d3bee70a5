/** Sources of programs that are not everywhere: the same trees as BuildStream's where these are installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheConfig, runCli, tempDir, writeFiles } from "../helpers.ts";
import { absent } from "./oracle.ts";
import { expectSameBuilds, expectSameTracking, type Sources, sourceProject } from "./source-projects.ts";

function isMissing(program: string): boolean {
  const missing = spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined;
  if (missing) console.log(`skipped: ${program} is not installed`);
  return missing;
}

const run = (program: string, ...args: string[]) => execFileSync(program, args).toString().trim();

function ostreeRepository(...options: string[]): { url: string; commit: string } {
  const directory = tempDir("ostree");
  const repository = join(directory, "repository");
  writeFiles(directory, {
    "files/run": { executable: "#!/bin/sh\n" },
    "files/folder/file": "text\n",
    "files/link": { symlink: "folder/file" },
    "files/empty/": "",
  });
  run("ostree", "init", `--repo=${repository}`, "--mode=archive");
  const commit = ["commit", `--repo=${repository}`, "--branch=some/branch", "--subject=x", ...options];
  const made = run("ostree", ...commit, join(directory, "files"));
  run("ostree", "summary", "--update", `--repo=${repository}`);
  return { url: repository, commit: made };
}

describe.skipIf(absent !== undefined)("programs", { timeout: 120_000 }, () => {
  it.skipIf(isMissing("ostree"))("ostree", async () => {
    const { url, commit } = ostreeRepository();
    const ostree = { kind: "ostree", url: `host:${url}`, track: "some/branch" };
    const settings = { aliases: { host: "file://" } };
    await expectSameBuilds(sourceProject({ files: [{ ...ostree, ref: commit }] }, {}, settings), ["files.bst"]);
    const tracked = await expectSameTracking(() => sourceProject({ files: [ostree] }, {}, settings), "files.bst");
    expect(tracked).toMatchObject({ sources: [{ ref: commit }] });
  });

  it.skipIf(isMissing("quilt"))("quilt", async () => {
    const patch = (path: string) => `--- ${path}\n+++ ${path}\n@@ -1 +1 @@\n-old\n+new\n`;
    const files = {
      "tree/debian/patches/series": "one.patch\ntwo.patch -p0\n# none.patch\nthree.patch\n",
      "tree/debian/patches/one.patch": patch("a/file"),
      "tree/debian/patches/two.patch": patch("folder/other"),
      "tree/debian/patches/three.patch":
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n--- /dev/null\n+++ b/made/new\n@@ -0,0 +1 @@\n+x\n",
      "tree/file": "old\n",
      "tree/folder/other": "old\n",
      "tree/gone": "old\n",
      "tree/run": { executable: "#!/bin/sh\n" },
    };
    const elements: Record<string, Sources> = {
      path: [
        { kind: "local", path: "tree" },
        { kind: "quilt", path: "debian/patches" },
      ],
      default: [{ kind: "local", path: "tree/debian" }, { kind: "local", path: "tree" }, { kind: "quilt" }],
    };
    await expectSameBuilds(sourceProject(elements, files), ["path.bst", "default.bst"]);
  });

  it.skipIf(isMissing("ostree") || isMissing("gpg"))("ostree_mirror, which BuildStream takes more for", async () => {
    const home = tempDir("keys");
    mkdirSync(join(home, "private"), { mode: 0o700 });
    const gpg = (...args: string[]) => run("gpg", `--homedir=${join(home, "private")}`, "--batch", ...args);
    gpg("--passphrase=", "--quick-generate-key", "tester@example.com", "ed25519");
    const { url, commit } = ostreeRepository("--gpg-sign=tester@example.com", `--gpg-homedir=${join(home, "private")}`);
    const cwd = sourceProject(
      { mirror: [{ kind: "ostree_mirror", url: `host:${url}`, gpg: "key", match: "some/*" }] },
      { key: gpg("--armor", "--export") },
      {
        aliases: { host: "file://" },
        plugins: [
          { origin: "local", path: "plugins/buildstream_plugins_community/sources", sources: ["ostree_mirror"] },
        ],
      },
    );
    const config = cacheConfig();
    for (const words of ["source track", "build"]) {
      const done = await runCli([...words.split(" "), "mirror.bst"], { cwd, config });
      expect(done.code, done.stderr).toBe(0);
    }
    const checkout = join(cwd, "checkout");
    await runCli(["artifact", "checkout", "mirror.bst", "--directory", checkout], { cwd, config });
    expect(run("ostree", "rev-parse", `--repo=${checkout}`, "some/branch")).toBe(commit);
    // It fails unless all objects are there.
    run("ostree", "fsck", `--repo=${checkout}`);
  });
});
