import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, tempDir, writeFiles } from "../helpers.ts";

const image = `kind: oci
build-depends: [files.bst]
config:
  vcs-annotations: True
  annotations: {org.opencontainers.image.version: own}
  images:
  - architecture: amd64
    os: linux
    layer: [files.bst]
    annotations: {of: image}
`;

const config = cacheConfig();

function newProject(): string {
  return project({
    "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
    "files/a": "a",
    "image.bst": image,
    "plain.bst": image.replace("  vcs-annotations: True\n", ""),
    "docker.bst": image.replace("config:\n", "config:\n  mode: docker\n").replace(/ +annotations:.*\n/g, ""),
  });
}

function git(cwd: string, ...words: string[]): string {
  const who = { GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@example.org" };
  const committer = { GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@example.org" };
  const date = { GIT_AUTHOR_DATE: "1700000000 +0100", GIT_COMMITTER_DATE: "1700000000 +0100" };
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", ...who, ...committer, ...date };
  return execFileSync("git", words, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** @returns the commit */
function commit(cwd: string): string {
  git(cwd, "add", ".");
  git(cwd, "commit", "-q", "-m", "A commit");
  return git(cwd, "rev-parse", "HEAD");
}

async function keys(cwd: string): Promise<string[]> {
  const { stdout } = await runCli(["show", "--deps", "none", "--format", "%{full-key}", "image.bst", "plain.bst"], {
    cwd,
    config,
  });
  return stdout.trim().split("\n");
}

/** Annotations of the index, and of the image in it. */
async function annotations(cwd: string): Promise<Record<string, string>[]> {
  const { code, stderr } = await runCli(["build", "image.bst"], { cwd, config });
  expect(code, stderr).toBe(0);
  const out = tempDir("out");
  await runCli(["artifact", "checkout", "--force", "--directory", out, "image.bst"], { cwd, config });
  const index = JSON.parse(readFileSync(join(out, "index.json"), "utf8"));
  const manifest = readFileSync(join(out, "blobs/sha256", index.manifests[0].digest.slice(7)), "utf8");
  return [index.annotations, JSON.parse(manifest).annotations];
}

describe("vcs-annotations", () => {
  test("name repository, commit, version and date, and are part of the key", async () => {
    const cwd = newProject();
    const outside = await keys(cwd);
    git(cwd, "init", "-q");
    git(cwd, "remote", "add", "origin", "https://user:secret@example.org/some/app.git");
    const first = commit(cwd);
    const untagged = await keys(cwd);
    git(cwd, "tag", "v1.0");
    const tagged = await keys(cwd);
    expect(new Set([outside[0], untagged[0], tagged[0]]).size).toBe(3);
    expect(new Set([outside[1], untagged[1], tagged[1]]).size).toBe(1);
    const known = {
      "org.opencontainers.image.source": "https://example.org/some/app.git",
      "org.opencontainers.image.revision": first,
      "org.opencontainers.image.version": "v1.0",
      "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
    };
    expect(await annotations(cwd)).toEqual([
      { ...known, "org.opencontainers.image.version": "own" },
      { ...known, of: "image" },
    ]);

    writeFileSync(join(cwd, "files.bst"), `${readFileSync(join(cwd, "files.bst"), "utf8")}# changed\n`);
    git(cwd, "remote", "set-url", "origin", "git@example.org:some/app.git");
    const changed = await keys(cwd);
    expect(changed[0]).not.toBe(tagged[0]);
    const [, ofImage] = await annotations(cwd);
    expect(ofImage).toMatchObject({
      "org.opencontainers.image.source": "https://example.org/some/app.git",
      "org.opencontainers.image.revision": `${first}-dirty`,
      "org.opencontainers.image.version": "v1.0-dirty",
    });
    commit(cwd);
    expect((await keys(cwd))[0]).not.toBe(changed[0]);
  });

  test("are left out where the project is in no repository, with a warning", async () => {
    const above = tempDir("above");
    git(above, "init", "-q");
    writeFiles(above, { file: "of the repository" });
    commit(above);
    const cwd = join(above, "cache/project");
    writeFiles(cwd, {
      "project.conf": "name: test\nmin-version: 2.0\n",
      "image.bst": image,
      "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
      "files/a": "a",
    });
    const { stderr } = await runCli(["build", "image.bst"], { cwd, config });
    expect(stderr).toContain("Nothing is known of the commit");
    expect(await annotations(cwd)).toEqual([{ "org.opencontainers.image.version": "own" }, { of: "image" }]);
  });

  test("are none of Docker's form", async () => {
    const { error } = await runCli(["show", "docker.bst"], { cwd: newProject(), config });
    expect(error).toMatchObject({ domain: "load", reason: "invalid-data" });
    expect(error?.message).toContain("vcs-annotations");
  });
});
