/** The source kinds that few projects use: the same keys and source information as BuildStream's, and the same trees. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheConfig, tempDir, writeFiles } from "../helpers.ts";
import { serveHttp } from "../sources/servers.ts";
import { gzipped, type Member, symlink } from "../sources/tar-writer.ts";
import { expectSameElements } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { expectSameBuilds, expectSameTracking, type Sources, sourceProject } from "./source-projects.ts";

const tree = { kind: "local", path: "tree" };
const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

const members: Member[] = [
  { name: "top/run", content: "#!/bin/sh\n", mode: 0o755 },
  { name: "top/folder/file", content: "text\n" },
  { name: "top/folder/file.pdf", content: "large" },
  symlink("top/link", "folder/file"),
];

async function serveFiles(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const { url } = await serveHttp((request, response) => {
    const content = files[request.url ?? ""];
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  return url;
}

describe.skipIf(absent !== undefined)("other sources", { timeout: 240_000 }, () => {
  it("cargo", async () => {
    const folder = tempDir("crates");
    const bytes = gzipped([{ name: "one-1.0.0/Cargo.toml", content: "" }]);
    mkdirSync(join(folder, "one"));
    writeFileSync(join(folder, "one/one-1.0.0.crate"), bytes);
    const ref = [{ name: "one", version: "1.0.0", sha: sha256(bytes) }];
    const settings = { aliases: { crates: `file://${folder}/` } };
    const files = {
      "tree/Cargo.lock": [
        "[[package]]",
        'name = "one"',
        'version = "1.0.0"',
        'source = "registry+https://github.com/rust-lang/crates.io-index"',
        "[[package]]",
        'name = "own"',
        'version = "1.0.0"',
        "",
      ].join("\n"),
    };
    const elements: Record<string, Sources> = {
      alias: [tree, { kind: "cargo", url: "crates:", ref }],
      plain: [tree, { kind: "cargo", url: `file://${folder}`, ref, "vendor-dir": "a/b", "cargo-lock": "x" }],
    };
    await expectSameBuilds(sourceProject(elements, files, settings), ["alias.bst", "plain.bst"]);
    const untracked: Record<string, Sources> = { crates: [tree, { kind: "cargo", url: "crates:" }] };
    const tracked = await expectSameTracking(() => sourceProject(untracked, files, settings), "crates.bst");
    expect(tracked).toMatchObject({ sources: [{}, { ref }] });
  });

  it("bazel_file", async () => {
    const content = "content\n";
    const url = await serveFiles({ "/some/file-1.2.jar": content });
    const ref = sha256(content);
    const file = { kind: "bazel_file", url: "server:some/file-1.2.jar", ref };
    const elements: Record<string, Sources> = {
      plain: [file],
      ids: [{ ...file, "canonical-ids": ['ünïcode "quoted"', "other"], version: "3" }],
      pattern: [{ ...file, url: `${url}/some/file-1.2.jar`, "version-guess-pattern": "file-(\\d)" }],
    };
    const settings = { aliases: { server: `${url}/` } };
    await expectSameBuilds(
      sourceProject(elements, {}, settings),
      Object.keys(elements).map((name) => `${name}.bst`),
    );
    const untracked: Record<string, Sources> = { file: [{ kind: "bazel_file", url: file.url }] };
    const tracked = await expectSameTracking(() => sourceProject(untracked, {}, settings), "file.bst");
    expect(tracked).toMatchObject({ sources: [{ ref }] });
  });

  it("bazel_source", async () => {
    const content = "content\n";
    const url = await serveFiles({ "/good.zip": content, "/other.zip": "other" });
    const list = `# made by bazel
resolved = [
    {
        "original_rule_class": "@bazel_tools//tools:http.bzl%http_archive",
        "original_attributes": {
            "name": "good",
            "url": "",
            "urls": ["${url}/missing.zip", "${url}/other.zip", "${url}/" "good.zip"],
            "sha256": "${sha256(content)}",
            'flag': True, 'none': None, 'number': 3,
        },
        "repositories": [],
    },
    {"original_attributes": {"name": "local"}},
    {"native": "text"},
]
`;
    const ref = sha256(list);
    const bazel = { kind: "bazel_source", ref };
    const elements: Record<string, Sources> = {
      plain: [tree, bazel],
      folder: [
        { ...tree, directory: "w" },
        { ...bazel, "workspace-dir": "w", "repo-file": ".bst-sources" },
      ],
    };
    const files = { "tree/.bst-sources": list, "tree/WORKSPACE": "" };
    await expectSameBuilds(sourceProject(elements, files), ["plain.bst", "folder.bst"]);
    const untracked: Record<string, Sources> = { bazel: [tree, { kind: "bazel_source" }] };
    const tracked = await expectSameTracking(() => sourceProject(untracked, files), "bazel.bst");
    expect(tracked).toMatchObject({ sources: [{}, { ref }] });
  });

  it("anitya", async () => {
    const bytes = gzipped(members);
    const url = await serveFiles({
      "/v1/name-1.2.3-rc1.tar.gz": bytes,
      "/api/versions/?project_id=7": JSON.stringify({ stable_versions: ["1.2.3-rc1", "1.2.2"] }),
    });
    const template = "server:v{major}/name-{version}.tar.gz";
    const anitya = { kind: "anitya", "project-id": 7, url: template };
    const ref = { version: "1.2.3-rc1", sha256sum: sha256(bytes) };
    const elements: Record<string, Sources> = {
      plain: [{ ...anitya, ref }],
      parts: [
        {
          ...anitya,
          url: "server:v{major}/name-{major}.{minor}.{patch}-{prerelease}.tar.gz",
          ref,
          exclude: ["**.pdf"],
        },
      ],
    };
    const settings = { aliases: { server: `${url}/` } };
    await expectSameBuilds(sourceProject(elements, {}, settings), ["plain.bst", "parts.bst"]);
    const untracked: Record<string, Sources> = { release: [{ ...anitya, "api-url": `${url}/api/` }] };
    const tracked = await expectSameTracking(() => sourceProject(untracked, {}, settings), "release.bst");
    expect(tracked).toMatchObject({ sources: [{ ref }] });
  });

  it("bzr, ostree, quilt and pip, whose programs need not be here for keys", async () => {
    const programs = tempDir("programs");
    const program = { executable: "#!/bin/sh\nexit 1\n" };
    writeFiles(programs, { bzr: program, ostree: program, quilt: program });
    const env = { PATH: `${programs}:${process.env["PATH"]}` };
    const elements: Record<string, Sources> = {
      bzr: [{ kind: "bzr", url: "host:some/project", track: "trunk", ref: "12" }],
      "bzr-version": [{ kind: "bzr", url: "host:some/project", track: "a/b", ref: "12", version: "1.2" }],
      ostree: [{ kind: "ostree", url: "host:repo", ref: "a".repeat(64), track: "branch", "gpg-key": "tree/key" }],
      quilt: [tree, { kind: "quilt", path: "debian/patches" }],
      "quilt-default": [tree, { kind: "quilt" }],
      pip: [tree, { kind: "pip", url: "host:simple/", packages: ["one", "two"], ref: "one==1.0\ntwo==2.0.1" }],
      unresolved: [{ kind: "ostree", url: "host:repo", track: "branch" }],
    };
    const cwd = sourceProject(elements, { "tree/key": "x" }, { aliases: { host: "https://host.example.com/" } });
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    const names = Object.keys(elements).map((name) => `${name}.bst`);
    const shown = await ask([...showArguments({ show: ["--deps", "none"] }), ...names], { cwd, configs, env });
    expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
    expectSameElements(shown);
  });
});
