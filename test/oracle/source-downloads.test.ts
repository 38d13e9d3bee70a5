/** Sources that are downloaded: the same keys, source information and trees as BuildStream's. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheConfig, type FileContent, runCli, tempDir, writeFiles } from "../helpers.ts";
import { serveHttp } from "../sources/servers.ts";
import { archive, directory, gzipped, hardlink, type Member, symlink } from "../sources/tar-writer.ts";
import { type ZipMember, zipArchive } from "../sources/zip-writer.ts";
import { expectSameElements } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { runReference } from "./reference.ts";
import {
  expectSameBuilds,
  expectSameTracking,
  expectSameWorkspace,
  type Sources,
  snapshot,
  sourceProject,
} from "./source-projects.ts";

/** Some kinds want sources before them. */
const tree = { kind: "local", path: "tree" };

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

const members: Member[] = [
  directory("top"),
  { name: "top/run", content: "#!/bin/sh\n", mode: 0o755 },
  { name: "top/folder/file", content: "text\n" },
  symlink("top/link", "folder/file"),
  { name: "beside", content: "no\n" },
];

/** Serves files by their paths. */
async function serveFiles(files: Readonly<Record<string, Buffer>>): Promise<string> {
  const { url } = await serveHttp((request, response) => {
    const content = files[new URL(request.url ?? "", "http://host").pathname];
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  return url;
}

function git(cwd: string, ...args: string[]): string {
  const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", PATH: process.env["PATH"] };
  const identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"];
  return execFileSync("git", [...identity, ...args], { cwd, env })
    .toString()
    .trim();
}

/** @returns path of a new repository, and its commit with the tag v1.2.3 */
function repository(files: Readonly<Record<string, FileContent>>): { path: string; commit: string } {
  const path = tempDir("repository");
  writeFiles(path, files);
  git(path, "init", "-q", "-b", "main");
  git(path, "add", "-A");
  git(path, "commit", "-q", "-m", "first");
  git(path, "tag", "v1.2.3");
  return { path, commit: git(path, "rev-parse", "HEAD") };
}

describe.skipIf(absent !== undefined)("downloaded sources", { timeout: 240_000 }, () => {
  it("zip", async () => {
    const plain: ZipMember[] = [
      { name: "top/" },
      { name: "top/run", content: "#!/bin/sh\n", mode: 0o755 },
      { name: "top/folder//file", content: "text\n", method: 0 },
      { name: "top/./folder/./odd", content: "text\n" },
      { name: "top/link", content: "folder/file", mode: 0o120777 },
      { name: "top/empty/" },
      { name: "top/empty/inside/" },
      { name: "top/empty/file", content: "" },
      { name: "other/ünïcode", content: "x" },
      { name: Buffer.from("other/caf\x82", "latin1"), flags: 0, content: "code page 437" },
      { name: "top/run", content: "#!/bin/sh\necho again\n" },
    ];
    const bytes = zipArchive(plain, { comment: "made by hand", prefix: "in front" });
    const path = join(tempDir("zip"), "name-1.2.zip");
    writeFileSync(path, bytes);
    const source = { kind: "zip", url: `files:${path}`, ref: sha256(bytes) };
    const elements: Record<string, Sources> = {
      first: [source],
      all: [{ ...source, "base-dir": "" }],
      pattern: [{ ...source, "base-dir": "t?p/f*", version: "7" }],
      slash: [{ ...source, "base-dir": "top/*/", "version-guess-pattern": "e-(\\d)" }],
    };
    const cwd = sourceProject(elements, {}, { aliases: { files: "file://" } });
    await expectSameBuilds(
      cwd,
      Object.keys(elements).map((name) => `${name}.bst`),
    );
  });

  it("pypi and cpan", async () => {
    const tar = gzipped(members);
    const dotted = gzipped([{ name: "./top/file", content: "x" }]);
    const zip = zipArchive([
      { name: "top/" },
      { name: "top/run", content: "x", mode: 0o755 },
      { name: "z", content: "y" },
    ]);
    const url = await serveFiles({ "/a/pkg-1.2.tar.gz": tar, "/a/dotted-3.tar.gz": dotted, "/pkg-1.3.zip": zip });
    const ref = (suffix: string, bytes: Buffer) => ({ suffix, sha256sum: sha256(bytes) });
    const elements: Record<string, Sources> = {
      pypi: [{ kind: "pypi", name: "pkg.name", url: "server:", ref: ref("a/pkg-1.2.tar.gz", tar), include: ["1.*"] }],
      "pypi-zip": [{ kind: "pypi", name: "pkg", url: "server:", ref: ref("pkg-1.3.zip", zip), version: "4" }],
      "pypi-none": [{ kind: "pypi", name: "pkg", url: "server:", ref: ref("a/dotted-3.tar.gz", dotted) }],
      cpan: [{ kind: "cpan", name: "A::B", index: "server:", ...ref("a/pkg-1.2.tar.gz", tar) }],
      "cpan-zip": [
        { kind: "cpan", name: "A", index: "server:", ...ref("pkg-1.3.zip", zip), "version-guess-pattern": "(3)" },
      ],
    };
    const cwd = sourceProject(elements, {}, { aliases: { server: `${url}/` } });
    await expectSameBuilds(
      cwd,
      Object.keys(elements).map((name) => `${name}.bst`),
    );
  });

  it("cpan, tracked", async () => {
    const tar = gzipped(members);
    const list = [
      "File: 02packages",
      "Columns: package name",
      "",
      "Other 1 X/Y/other.tar.gz",
      "A::B 1.2  X/Y/pkg-1.2.tar.gz",
    ];
    const url = await serveFiles({
      "/modules/02packages.details.txt.gz": gzipSync(`${list.join("\n")}\n`),
      "/authors/id/X/Y/pkg-1.2.tar.gz": tar,
    });
    const aliases = { server: `${url}/` };
    const elements: Record<string, Sources> = { cpan: [{ kind: "cpan", name: "A::B", index: "server:" }] };
    const tracked = await expectSameTracking(() => sourceProject(elements, {}, { aliases }), "cpan.bst");
    expect(tracked).toMatchObject({ sources: [{ suffix: "authors/id/X/Y/pkg-1.2.tar.gz", sha256sum: sha256(tar) }] });
  });

  it("cargo2", async () => {
    const crate = (name: string) =>
      gzipped([
        { name: `${name}/Cargo.toml`, content: "[package]\n" },
        { name: `${name}/src/lib.rs`, content: "//\n" },
        symlink(`${name}/link`, "src"),
        { name: `${name}/build.sh`, content: "#!/bin/sh\n", mode: 0o755 },
        hardlink(`${name}/hard`, `${name}/build.sh`, 0o755),
      ]);
    const crates = { "first-1.0.0": crate("first-1.0.0"), "second-0.2.0+meta": crate("second-0.2.0+meta") };
    const folder = tempDir("crates");
    for (const [name, bytes] of Object.entries(crates)) {
      const [, base = ""] = /^(\w+)-/.exec(name) ?? [];
      mkdirSync(join(folder, base));
      writeFileSync(join(folder, base, `${name}.crate`), bytes);
    }
    const ref = [
      { kind: "registry", name: "first", version: "1.0.0", sha: sha256(crates["first-1.0.0"]) },
      { name: "second", version: "0.2.0+meta", sha: sha256(crates["second-0.2.0+meta"]) },
    ];
    const elements: Record<string, Sources> = {
      alias: [tree, { kind: "cargo2", url: "crates:", ref }],
      plain: [
        tree,
        { kind: "cargo2", url: `file://${folder}`, ref, "vendor-dir": "a/b", "cargo-lock": "x/Cargo.lock" },
      ],
      none: [
        { kind: "local", path: "tree" },
        { kind: "cargo2", url: "crates:", ref: [] },
      ],
    };
    const cwd = sourceProject(elements, { "tree/file": "x" }, { aliases: { crates: `file://${folder}/` } });
    await expectSameBuilds(
      cwd,
      Object.keys(elements).map((name) => `${name}.bst`),
    );
  });

  it("cargo2, tracked", async () => {
    const folder = tempDir("crates");
    const bytes = gzipped([{ name: "old-0.1.0/Cargo.toml", content: "" }]);
    mkdirSync(join(folder, "old"));
    writeFileSync(join(folder, "old/old-0.1.0.crate"), bytes);
    const lock = `version = 3
[[package]]
name = "app"
version = "1.0.0"
[[package]]
name = "zlib"
version = "1.0.10"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "${"a".repeat(64)}"
[[package]]
name = "old"
version = "0.1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
[[package]]
name = "zlib"
version = "1.0.9"
source = "git+https://git.example.com/some/zlib.git?branch=a%2Fb&empty=#${"1".repeat(40)}"
[[package]]
name = "zlib"
version = "1.0.9"
source = "git+https://git.example.com/other/zlib#${"2".repeat(40)}"
`;
    const mirrors = { "https://git.example.com/": "mirror:", "https://git.example.com/other/": "special:x/" };
    const facts = { provenance: { homepage: "https://example.com" } };
    const cargo = {
      kind: "cargo2",
      url: "crates:",
      "git-mirrors": mirrors,
      ref: [{ name: "old", version: "0.0.1", sha: "b", ...facts }],
    };
    const settings = {
      aliases: {
        crates: `file://${folder}/`,
        mirror: "https://mirror.example.com/",
        special: "https://s.example.com/",
      },
    };
    const make = () => sourceProject({ crates: [tree, cargo] }, { "tree/Cargo.lock": lock }, settings);
    expect(await expectSameTracking(make, "crates.bst")).toMatchObject({ sources: [{}, { ref: { length: 4 } }] });
  });

  it("cargo2, from repositories", async () => {
    const { path, commit } = repository({
      "Cargo.toml": [
        "[workspace]",
        'members = ["crates/*", "single"]',
        "[workspace.package]",
        'edition = "2021"',
        "[workspace.dependencies]",
        'plain = "1"',
        'rich = { version = "2", features = ["one"], default-features = false }',
        "[workspace.lints.rust]",
        'unsafe_code = "forbid"',
        "",
      ].join("\n"),
      "crates/first/Cargo.toml": [
        "[package]",
        'name = "first"',
        'version = "0.1.0"',
        "edition.workspace = true",
        "[dependencies]",
        "plain.workspace = true",
        'rich = { workspace = true, optional = true, features = ["two"] }',
        'hidden = { path = "../../hidden" }',
        "[lints]",
        "workspace = true",
        "[target.'cfg(unix)'.dependencies]",
        "plain = { workspace = true }",
        "[[bin]]",
        'name = "b"',
        "",
      ].join("\n"),
      "crates/first/src/lib.rs": "//\n",
      "hidden/Cargo.toml":
        '[package]\nname = "hidden"\nversion = "0.2.0"\n[build-dependencies]\nplain.workspace = true\n',
      "single/Cargo.toml": '[package]\nname = "single"\nversion = "1.0.0"\n[features]\nx = []\n',
      "single/run": { executable: "#!/bin/sh\n" },
    });
    const root = repository({ "Cargo.toml": '[package]\nname = "root"\nversion = "1.0.0"\n', "src/lib.rs": "//\n" });
    const crate = (name: string, version: string) => ({
      kind: "git",
      name,
      version,
      repo: `repositories:${path}`,
      commit,
    });
    const ref = [
      { ...crate("first", "0.1.0"), query: { branch: "a b/c" } },
      crate("hidden", "0.2.0"),
      crate("single", "1.0.0"),
      { kind: "git", name: "root", version: "1.0.0", repo: `repositories:${root.path}`, commit: root.commit },
    ];
    const settings = { aliases: { repositories: "file://", crates: "https://crates.example.com/" } };
    const cargo = { kind: "cargo2", url: "crates:", ref };
    const cwd = sourceProject({ crates: [tree, cargo] }, { "tree/file": "x" }, settings);
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    const built = await ask(["build", "crates.bst"], { cwd, configs });
    expect(built.theirs.code, built.theirs.stderr).toBe(0);
    expect(built.ours.code, built.ours.stderr).toBe(0);
    expectSameElements(await ask([...showArguments(), "crates.bst"], { cwd, configs }));
    const [theirs, ours] = [join(cwd, "theirs"), join(cwd, "ours")];
    const checkout = ["artifact", "checkout", "crates.bst", "--directory"];
    for (const [run, config, to] of [
      [runReference, configs.theirs, theirs],
      [runCli, configs.ours, ours],
    ] as const) {
      const done = await run([...checkout, to], { cwd, config });
      expect(done.code, done.stderr).toBe(0);
    }
    // BuildStream leaves a part of a repository with a crate that is at its top, with times in it that differ each time.
    rmSync(join(theirs, ".vendored-crates/root-1.0.0/.git"), { recursive: true });
    expect(snapshot(ours)).toEqual(snapshot(theirs));
  });

  it("go_module, tracked", async () => {
    const { path, commit } = repository({ "sub/go.mod": "module github.com/a/b/sub/v2\n" });
    git(path, "tag", "sub/v2.0.1");
    const elements = {
      tagged: [tree, { kind: "go_module", url: `github:${path}`, module: "github.com/a/b/sub/v2" }],
      pseudo: [tree, { kind: "go_module", url: `github:${path}`, module: "github.com/a/b" }],
    };
    const files = {
      "tree/go.mod": "module x\n",
      "tree/go.sum": [
        "github.com/a/b/sub/v2 v2.0.1/go.mod h1:x",
        "github.com/a/b/sub/v2 v2.0.1 h1:x",
        `github.com/a/b v0.0.0-20210105120005-${commit.slice(0, 12)} h1:x`,
        "",
      ].join("\n"),
    };
    const make = () => sourceProject(elements, files, { aliases: { github: "file://" } });
    expect(await expectSameTracking(make, "tagged.bst")).toMatchObject({
      sources: [{}, { ref: { subdirectory: "sub" } }],
    });
    expect(await expectSameTracking(make, "pseudo.bst")).toMatchObject({
      sources: [{}, { ref: { "git-ref": commit } }],
    });
  });

  it("go_module", async () => {
    const module = repository({
      "go.mod": "module example.com/m\n\ngo 1.20\n",
      "m.go": "package m\n",
      "run.sh": { executable: "#!/bin/sh\n" },
      "link.go": { symlink: "m.go" },
      "sub/s.go": "package s\n",
      "sub/data/none": "x",
      "v2/go.mod": "module example.com/m/v2\n\ngo 1.21\n",
      "v2/m.go": "package m\n",
      "b/deep/x.go": "package x\n",
    });
    const source = (name: string, ref: Record<string, unknown>) => ({
      kind: "go_module",
      url: `repositories:${module.path}`,
      module: name,
      ref: { "go-version": "v1.2.3", "git-ref": `v1.2.3-0-g${module.commit}`, ...ref },
    });
    const elements: Record<string, Sources> = {
      explicit: [tree, source("example.com/m", {})],
      implicit: [
        tree,
        source("example.com/other", { "git-ref": module.commit, "go-version": "v0.0.0-20210105120005-909beea2cc74" }),
      ],
      subdirectory: [tree, source("example.com/m/sub", { subdirectory: "sub" }), source("example.com/m", {})],
      major: [tree, source("example.com/m/v2", { "go-version": "v2.0.0" })],
      replaced: [tree, source("example.com/fork", { "go-version": "v1.0.1" })],
      // Deprecated, and still in the key.
      old: [tree, source("example.com/m", { explicit: true })],
    };
    const cwd = sourceProject(
      elements,
      {
        "tree/go.mod": [
          "module example.com/app",
          "require (",
          "\texample.com/m v1.2.3",
          "\texample.com/m/v2 v2.0.0 // indirect",
          ")",
          "replace example.com/m v1.2.3 => example.com/fork v1.0.1",
          "",
        ].join("\n"),
        "tree/vendor/example.com/m/m.go": "package m\n",
        "tree/main.go": "package main\n",
      },
      { aliases: { repositories: "file://" } },
    );
    await expectSameBuilds(
      cwd,
      Object.keys(elements).map((name) => `${name}.bst`),
    );
  });

  it("workspaces of Go modules", async () => {
    const module = repository({ "go.mod": "module example.com/m\n\ngo 1.20\n", "m.go": "package m\n" });
    const source = (name: string) => ({
      kind: "go_module",
      url: `repositories:${module.path}`,
      module: name,
      ref: { "go-version": "v1.2.3", "git-ref": `v1.2.3-0-g${module.commit}` },
    });
    const elements = { modules: [tree, source("example.com/m"), source("example.com/other")] };
    const files = { "tree/go.mod": "module x\nrequire example.com/m v1.2.3\n" };
    const make = () => sourceProject(elements, files, { aliases: { repositories: "file://" } });
    await expectSameWorkspace(make, "modules.bst");
  });

  it("gen_cargo_lock", async () => {
    const ref = Buffer.from('version = 4\n\n[[package]]\nname = "ü"\n').toString("base64");
    const folded = `${ref.slice(0, 8)} ${ref.slice(8)}`;
    const elements = {
      lock: [tree, { kind: "gen_cargo_lock", ref }],
      folded: [tree, { kind: "gen_cargo_lock", ref: folded }],
    };
    const cwd = sourceProject(elements, { "tree/file": "x" });
    await expectSameBuilds(cwd, ["lock.bst", "folded.bst"]);
  });

  it("docker", async () => {
    const layers = [
      gzipped([
        directory("usr"),
        { name: "usr/run", content: "#!/bin/sh\n", mode: 0o755 },
        { name: "usr/gone", content: "x" },
        { name: "opaque/old", content: "x" },
        { name: "folder/stays", content: "x" },
        symlink("bin", "usr"),
        { name: "dev/null-file", content: "x" },
      ]),
      gzipped([
        { name: "usr/.wh.gone", content: "" },
        { name: "opaque/.wh..wh..opq", content: "" },
        { name: "opaque/new", content: "x" },
        { name: ".wh.folder", content: "" },
        hardlink("hard", "opaque/new"),
        { name: "usr/run", content: "#!/bin/sh\necho new\n", mode: 0o600 },
      ]),
    ];
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.docker.distribution.manifest.v2+json",
        config: {},
        layers: layers.map((layer) => ({
          mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
          size: layer.length,
          digest: `sha256:${sha256(layer)}`,
        })),
      }),
    );
    const list = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.docker.distribution.manifest.list.v2+json",
        manifests: ["arm64", "amd64"].map((architecture) => ({
          digest: `sha256:${architecture === "amd64" ? sha256(manifest) : "0".repeat(64)}`,
          platform: { architecture, os: "linux" },
        })),
      }),
    );
    const files = new Map<string, Buffer>([
      ["/v2/some/image/manifests/latest", list],
      [`/v2/some/image/manifests/sha256:${sha256(manifest)}`, manifest],
      ...layers.map((layer): [string, Buffer] => [`/v2/some/image/blobs/sha256:${sha256(layer)}`, layer]),
    ]);
    const { url } = await serveHttp((request, response) => {
      const path = decodeURIComponent(request.url ?? "");
      if (path.startsWith("/token?")) return response.end(JSON.stringify({ token: "secret" }));
      if (request.headers.authorization !== "Bearer secret") {
        const challenge = `Bearer realm="${url}/token",service="registry",scope="repository:some/image:pull"`;
        return response.writeHead(401, { "www-authenticate": challenge }).end();
      }
      const content = files.get(path);
      const headers = content === undefined ? {} : { "docker-content-digest": `sha256:${sha256(content)}` };
      return response.writeHead(content === undefined ? 404 : 200, headers).end(content);
    });
    const ref = sha256(manifest);
    const image = {
      kind: "docker",
      image: "some/image",
      "registry-url": "registry:",
      track: "latest",
      architecture: "amd64",
    };
    const elements: Record<string, Sources> = {
      image: [{ ...image, ref }],
      url: [{ kind: "docker", url: "registry:/some/image", ref, version: "1.2" }],
    };
    const settings = { aliases: { registry: url } };
    const cwd = sourceProject(elements, {}, settings);
    // BuildStream can't fetch an image again of which it has the manifest already.
    for (const element of ["image.bst", "url.bst"]) await expectSameBuilds(cwd, [element]);

    const tracked = await expectSameTracking(() => sourceProject({ image: [image] }, {}, settings), "image.bst");
    expect(tracked).toMatchObject({ sources: [{ ref }] });
  });

  it("refuse archives that lead out of the tree", async () => {
    const folder = tempDir("hostile");
    const hostile = archive([{ name: "../../outside", content: "x" }]);
    mkdirSync(join(folder, "bad"));
    writeFileSync(join(folder, "bad/bad-1.crate"), hostile);
    const ref = [{ name: "bad", version: "1", sha: sha256(hostile) }];
    const cwd = sourceProject({ bad: [tree, { kind: "cargo2", url: `file://${folder}`, ref }] }, { "tree/file": "x" });
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    const built = await ask(["build", "bad.bst"], { cwd, configs });
    expect(built.ours.code).not.toBe(0);
    expect(built.ours.stderr).toContain("outside the destination");
  });
});
