/** Sources of programs that are not everywhere: the same trees as BuildStream's where these are installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheConfig, runCli, tempDir, writeFiles } from "../helpers.ts";
import { archive, directory, hardlink, type Member, symlink } from "../sources/tar-writer.ts";
import { absent } from "./oracle.ts";
import { python } from "./python.ts";
import { expectSameBuilds, expectSameTracking, type Sources, sourceProject } from "./source-projects.ts";

function isMissing(program: string): boolean {
  const missing = spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined;
  if (missing) console.log(`skipped: ${program} is not installed`);
  return missing;
}

function pythonHas(module: string): boolean {
  const found = spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;
  if (!found) console.log(`skipped: the reference's Python has no module ${module}`);
  return found;
}

function ar(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(members).flatMap(([name, content]) => {
    const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
    const header = `${fields.join("")}${String(content.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), content, Buffer.from(content.length % 2 === 0 ? "" : "\n")];
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}

const compressed = (program: string, input: Buffer) => execFileSync(program, ["-c"], { input });

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

  it.skipIf(!pythonHas("arpy"))("deb", async () => {
    const files: Member[] = [
      directory("./"),
      directory("./usr"),
      { name: "./usr/bin/run", content: "#!/bin/sh\n", mode: 0o755 },
      hardlink("./usr/bin/hard", "./usr/bin/run", 0o755),
      { name: "./usr/share/doc/file", content: "text\n" },
      symlink("./usr/share/link", "doc/file"),
    ];
    const plain = archive(files);
    const packages = { "data.tar": plain, "data.tar.gz": gzipSync(plain), "data.tar.xz": compressed("xz", plain) };
    const folder = tempDir("deb");
    const elements: Record<string, Sources> = {};
    for (const [name, data] of Object.entries(packages)) {
      const bytes = ar({ "debian-binary": Buffer.from("2.0\n"), "control.tar": Buffer.from("odd"), [name]: data });
      writeFileSync(join(folder, `${name}.deb`), bytes);
      const ref = createHash("sha256").update(bytes).digest("hex");
      const deb = { kind: "deb", url: `file://${folder}/${name}.deb`, ref };
      const short = name.replaceAll(".", "-");
      elements[`all-${short}`] = [{ ...deb, "base-dir": "" }];
      elements[`share-${short}`] = [{ ...deb, "base-dir": "usr/share" }];
      elements[`first-${short}`] = [deb];
    }
    await expectSameBuilds(
      sourceProject(elements),
      Object.keys(elements).map((name) => `${name}.bst`),
    );
  });

  it.skipIf(isMissing("bzr"))("bzr", async () => {
    const repository = join(tempDir("bzr"), "repository");
    const trunk = join(repository, "trunk");
    const env = { ...process.env, BZR_EMAIL: "Tester <tester@example.com>", BRZ_EMAIL: "Tester <tester@example.com>" };
    const program = "bzr";
    const bzr = (...args: string[]) =>
      execFileSync(program, args, { cwd: trunk, env, stdio: ["ignore", "pipe", "ignore"] });
    execFileSync(program, ["init-repo", "--quiet", repository], { env });
    execFileSync(program, ["init", "--quiet", trunk], { env });
    for (const content of ["first", "second"]) {
      writeFiles(trunk, { "folder/file": content, run: { executable: content } });
      if (content === "first") bzr("add", "--quiet");
      bzr("commit", "--quiet", "--message", content);
    }
    const source = { kind: "bzr", url: `host:${repository}`, track: "trunk" };
    const settings = { aliases: { host: "file://" } };
    const elements: Record<string, Sources> = { first: [{ ...source, ref: "1" }], second: [{ ...source, ref: "2" }] };
    await expectSameBuilds(sourceProject(elements, {}, settings), ["first.bst", "second.bst"]);
    const tracked = await expectSameTracking(() => sourceProject({ files: [source] }, {}, settings), "files.bst");
    expect(tracked).toMatchObject({ sources: [{ ref: 2 }] });
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
