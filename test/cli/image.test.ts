import { execFile, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { MANIFEST } from "../../src/oci/media-types.ts";
import { cacheConfig, project, type RunOptions, runCli, tempDir, writeFiles } from "../helpers.ts";
import { serveDebianRegistry } from "../oci/debian-registry.ts";
import { LayoutMaker } from "../oci/image-parts.ts";
import { serveRegistry, sha256 } from "../oci/registry-server.ts";
import { Podman, podmanAbsent } from "../podman/podman.ts";
import { CacheServer } from "../remote/server.ts";
import { imageCommands } from "./image-commands.ts";

const entries = (architecture: string, entry = "/bin/app") =>
  `  - architecture: ${architecture}\n    os: linux\n` +
  `    layer: [files.bst]\n    tags: ['example/app:1.0', 'example/app:latest']\n    config: {Entrypoint: [${entry}]}\n`;

const image = (architecture: string, entry?: string) =>
  "kind: oci\nbuild-depends: [files.bst]\nconfig:\n  annotations: {of: index}\n  images:\n" +
  entries(architecture, entry);

const config = cacheConfig();
const cwd = project({
  "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
  "files/bin/app": { executable: "#!/bin/sh\n" },
  "out/lib/up": { symlink: "../.." },
  "out.bst": "kind: import\nsources:\n- kind: local\n  path: out\n",
  "outward.bst": image("amd64").replaceAll("files.bst", "out.bst"),
  "amd64.bst": image("amd64"),
  "arm64.bst": image("arm64"),
  "other.bst": image("amd64", "/bin/other"),
  "docker.bst": image("amd64").replace("config:\n  annotations: {of: index}", "config:\n  mode: docker"),
  "missing.bst": image("s390x"),
  "twins.bst": `${image("amd64")}${entries("amd64", "/bin/twin")}`,
  "both.bst": `${image("amd64")}${entries("arm64")}`,
});

beforeAll(async () => {
  const { code } = await runCli(
    ["build", "amd64.bst", "arm64.bst", "other.bst", "docker.bst", "twins.bst", "both.bst", "outward.bst"],
    { cwd, config },
  );
  expect(code).toBe(0);
});

const { run, output: printed } = imageCommands({ cwd, config });
const output = async (words: string, options?: RunOptions) => (await printed(words, options)).trim();

describe("image push", () => {
  test("pushes under several names, sends nothing twice, and tells the digest", async () => {
    const registry = await serveRegistry();
    const name = `${registry.host}/some/app`;
    const digestfile = join(tempDir("out"), "digest");
    const words = `push amd64.bst ${name}:1 docker://${name}:2 ${registry.host}/other:3 --digestfile ${digestfile}`;
    const digest = await output(words);
    expect(readFileSync(digestfile, "utf8")).toBe(digest);
    const manifests = registry.manifests.get("some/app");
    expect([...(manifests?.keys() ?? [])]).toEqual(["1", digest, "2"]);
    expect(sha256(manifests?.get("1")?.bytes ?? "")).toBe(digest);
    expect(registry.count("PUT some/app/blobs")).toBe(2);
    // Taken over from the first repository.
    expect(registry.count("PUT other/blobs")).toBe(0);
    expect(registry.blobs.get("other")?.size).toBe(2);
    const before = registry.requests.length;
    const again = await run(words);
    expect(again.stdout.trim()).toBe(digest);
    expect(again.stderr).toContain("0 blobs of 0 bytes sent, 2 there already");
    expect(registry.requests.slice(before).filter((request) => !/^(HEAD|GET v2|GET \/)/.test(request))).toEqual([]);
  });

  test("has taken over what other repositories got before, and what bases brought", async () => {
    const registry = await serveRegistry();
    const sent = () => registry.requests.filter((request) => /^(PUT|PATCH) .*blobs/.test(request)).length;
    await output(`push other.bst ${registry.host}/first:1`);
    const before = sent();
    expect((await run(`push other.bst ${registry.host}/second:1`)).stderr).toContain(
      "0 blobs of 0 bytes sent, 2 taken over from another repository",
    );
    expect(sent()).toBe(before);
    // A place that has it no more.
    registry.blobs.get("second")?.clear();
    await output(`push other.bst ${registry.host}/third:1`);
    expect(registry.blobs.get("third")?.size).toBe(2);

    const ref = await output(`push amd64.bst ${registry.host}/base:1`);
    writeFiles(cwd, {
      "base.bst": `kind: import\nsources:\n- kind: oci_image\n  url: ${registry.host}/base\n  ref: ${ref}\n`,
      "more.bst": "kind: import\nsources:\n- kind: local\n  path: more\n",
      "more/more": "more",
      "on-base.bst":
        "kind: oci\nbuild-depends: [base.bst, more.bst]\nconfig:\n  images:\n  - architecture: amd64\n    os: linux\n" +
        "    parent: {element: base.bst}\n    add: [more.bst]\n",
    });
    // Another machine, which pushed nothing.
    const elsewhere = { cwd, config: cacheConfig() };
    expect((await runCli(["build", "on-base.bst"], elsewhere)).code).toBe(0);
    const { stderr, code } = await run(`push on-base.bst ${registry.host}/app:1`, elsewhere);
    expect([code, stderr]).toEqual([0, expect.stringContaining("1 taken over from another repository")]);
    expect(registry.blobs.get("app")?.size).toBe(3);
  });

  test("pulls what is not here from a server of artifacts", async () => {
    const server = await new CacheServer().start();
    onTestFinished(() => server.stop());
    const { code } = await runCli(["artifact", "push", "amd64.bst", "--artifact-remote", server.url], { cwd, config });
    expect(code).toBe(0);
    const elsewhere = { config: cacheConfig({ artifacts: { servers: [{ url: server.url }] } }) };
    const registry = await serveRegistry();
    const digest = await output(`push amd64.bst ${registry.host}/app:1`, elsewhere);
    expect(await output("verify amd64.bst")).toContain(digest);
    expect((await run("verify arm64.bst", elsewhere)).error?.reason).toBe("uncached-checkout-attempt");
  });

  test("makes one index of several elements, with a platform for each", async () => {
    const registry = await serveRegistry();
    const digest = await output(`push amd64.bst arm64.bst ${registry.host}/app:1 --chunk-size 1`);
    const index = JSON.parse(registry.manifests.get("app")?.get(digest)?.bytes.toString() ?? "{}");
    expect(index.annotations).toEqual({ of: "index" });
    const entries = index.manifests.map((entry: { platform: object; annotations: unknown }) => [
      entry.platform,
      entry.annotations,
    ]);
    expect(entries).toEqual([
      [{ os: "linux", architecture: "amd64" }, undefined],
      [{ os: "linux", architecture: "arm64" }, undefined],
    ]);
    const one = await output(`push amd64.bst ${registry.host}/app:2 --all-platforms`);
    expect(registry.manifests.get("app")?.get(one)?.type).toContain("index");
    expect(await output(`push amd64.bst ${registry.host}/app:3`)).toBe(index.manifests[0].digest);
    expect(await output(`push amd64.bst arm64.bst ${registry.host}/app:4 --platform linux/arm64`)).toBe(
      index.manifests[1].digest,
    );
  });

  test.each([
    ["amd64.bst other.bst HOST/app:1", "element", "duplicate-platform"],
    ["twins.bst HOST/app:1", "element", "duplicate-platform"],
    ["missing.bst HOST/app:1", "element", "uncached-checkout-attempt"],
    ["files.bst HOST/app:1", "element", "oci-invalid-image"],
    ["amd64.bst", "app", "missing-image-name"],
    ["HOST/app:1", "app", "missing-image-name"],
    ["amd64.bst HOST/APP", "remote", "invalid-image-reference"],
    [`amd64.bst HOST/app@sha256:${"0".repeat(64)}`, "remote", "invalid-image-reference"],
    ["amd64.bst HOST/app --platform nonsense", "element", "invalid-platform"],
    ["amd64.bst HOST/app:1 --digestfile /nowhere/at/all", "element", "image-not-written"],
  ])("%s is an error in domain %s: %s", async (words, domain, reason) => {
    const registry = await serveRegistry();
    const { code, error } = await run(`push ${words.replaceAll("HOST", registry.host)}`);
    expect([code, error?.domain, error?.reason]).toEqual([255, domain, reason]);
    expect(registry.requests.filter((request) => /^(PUT|POST|PATCH)/.test(request))).toEqual([]);
  });

  test("shows the credentials that are for pushing to this registry, or none", async () => {
    const registry = await serveRegistry({ auth: "token" });
    const env = {
      BST_TS_PUSH_REGISTRY: registry.host,
      BST_TS_PUSH_USERNAME: "user",
      BST_TS_PUSH_PASSWORD: "secret",
    };
    const words = `push amd64.bst ${registry.host}/app:1`;
    expect((await run(words)).error?.reason).toBe("registry-denied");
    expect((await run(`${words} --anonymous`, { env })).error?.reason).toBe("registry-denied");
    await output(words, { env });
    expect((await run(`pull ${registry.host}/app:1 oci:${tempDir("out")}/x`, { env })).error?.reason).toBe(
      "registry-denied",
    );
  });
});

describe("images elsewhere", () => {
  test("are the same after any copies", async () => {
    const registry = await serveRegistry();
    const dir = tempDir("copies");
    const digest = await output(`push amd64.bst ${registry.host}/app:1`);
    expect(await output(`pull ${registry.host}/app:1 oci:${dir}/layout:app`)).toBe(digest);
    expect(await output(`copy oci:${dir}/layout:app oci-archive:${dir}/a.tar`)).toBe(digest);
    expect(await output(`copy oci-archive:${dir}/a.tar docker://${registry.host}/copy:1`)).toBe(digest);
    expect(await output(`copy amd64.bst oci-archive:${dir}/b.tar`)).toBe(digest);
    for (const place of [
      `oci-archive:${dir}/a.tar`,
      `docker://${registry.host}/copy:1`,
      "amd64.bst",
      `docker://${registry.host}/app@${digest}`,
    ]) {
      expect(await output(`verify ${place}`)).toContain(`${digest} is whole: 1 manifest, 2 blobs`);
    }
    const exists = await run(`copy amd64.bst oci-archive:${dir}/a.tar`);
    expect([exists.code, exists.error?.domain]).toEqual([255, "stream"]);
    expect(await output(`copy amd64.bst oci-archive:${dir}/a.tar --force`)).toBe(digest);
    await output(`copy docker.bst docker-archive:${dir}/docker.tar`);
    expect(await output(`verify docker-archive:${dir}/docker.tar:example/app:latest`)).toContain("is whole");
    expect(await output("verify docker.bst")).toContain("is whole");
  });

  test("are shown for people, as JSON, or as they are", async () => {
    const registry = await serveRegistry();
    const digest = await output(`push amd64.bst arm64.bst ${registry.host}/app:1`);
    const place = `docker://${registry.host}/app:1`;
    const shown = await output(`inspect ${place}`);
    expect(shown).toMatch(new RegExp(`^${digest}\n`));
    expect(shown).toMatch(
      /linux\/arm64 {2}[\d.]+ (kB|bytes) {2}sha256:[0-9a-f]{64}\n {2}Entrypoint {2}\["\/bin\/app"\]\n/,
    );
    expect(shown).toMatch(/ {2}[\d.]+ (kB|bytes) {2}tar\+gzip {2}sha256:/);
    const inspected = JSON.parse(await output(`inspect ${place} --json`));
    expect(inspected).toMatchObject({
      digest,
      annotations: { of: "index" },
      images: [{ platform: { architecture: "amd64" } }, {}],
    });
    expect(JSON.parse(await output(`inspect ${place} --json --platform linux/arm64`)).images).toHaveLength(1);
    const raw = await runCli(["image", "inspect", "--raw", place], { cwd, config });
    expect(sha256(raw.stdout)).toBe(digest);
    expect(JSON.parse(await output(`inspect ${place} --config --platform linux/arm64`)).architecture).toBe("arm64");
    const missing = await run(`inspect ${place}2`);
    expect([missing.code, missing.error?.domain, missing.error?.reason]).toEqual([255, "remote", "registry-not-found"]);
  });

  test("of elements may have links that lead outside, and nobody else's may", async () => {
    expect(await output("verify outward.bst")).toContain("is whole");
    const { stdout: key } = await runCli(["show", "--deps", "none", "--format", "%{full-key}", "outward.bst"], {
      cwd,
      config,
    });
    expect(await output(`verify test/outward/${key.trim()}`)).toContain("is whole");
    expect(await output(`verify test/outward/${key.trim()}`, { cwd: tempDir("no-project") })).toContain("is whole");
    const registry = await serveRegistry();
    await output(`push outward.bst ${registry.host}/app:1`);
    const { error } = await run(`verify docker://${registry.host}/app:1`);
    expect(error?.detail).toContain("'lib/up' links to '../..', which points outside of the image");
  });

  test("leave no folder where there is nothing to pull, and no part of what was interrupted a day ago", async () => {
    const registry = await serveRegistry({ auth: "basic" });
    const dir = tempDir("none");
    const { error } = await run(`pull ${registry.host}/app:1 oci:${dir}/layout`);
    expect(error).toMatchObject({ reason: "registry-denied", detail: expect.stringContaining("podman login") });
    expect(error?.message).toContain("wants credentials");
    const env = { BST_TS_PULL_REGISTRY: registry.host, BST_TS_PULL_USERNAME: "user", BST_TS_PULL_PASSWORD: "wrong" };
    const denied = await run(`pull ${registry.host}/app:1 oci:${dir}/layout`, { env });
    expect(denied.error?.message).toContain("wants other credentials");
    expect(readdirSync(dir)).toEqual([]);
    await output(`copy amd64.bst oci:${dir}/layout`);
    const abandoned = `${dir}/layout/blobs/sha256/${"0".repeat(64)}.tmp0-0-0123456789ab`;
    const recent = abandoned.replace(/b$/, "c");
    for (const path of [abandoned, recent]) writeFileSync(path, "half");
    const dayAgo = Date.now() / 1000 - 25 * 3600;
    utimesSync(abandoned, dayAgo, dayAgo);
    await output(`copy other.bst oci:${dir}/layout:other`);
    expect([existsSync(abandoned), existsSync(recent)]).toEqual([false, true]);
  });

  test("that are none, but something else, are not run nor described as such", async () => {
    const made = new LayoutMaker();
    const config = made.putJson({}, "application/vnd.test.config+json");
    made.add(made.putJson({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] }, MANIFEST));
    const { error } = await run(`dockerfile oci:${made.folder}`);
    expect(error?.message).toContain("is no image: application/vnd.test.config+json");
    expect((await run(`inspect --config oci:${made.folder}`)).stdout).toBe("{}");
  });

  test("that are damaged are told by verify", async () => {
    const made = new LayoutMaker();
    const root = made.image();
    made.add(root);
    const { layers } = made.json<{ layers: { digest: string }[] }>(root);
    writeFileSync(made.path(layers[1] ?? root), "damaged");
    rmSync(made.path(layers[0] ?? root));
    const { code, error, stdout, stderr } = await run(`verify oci:${made.folder}`);
    expect(stderr).toMatch(/FAILURE The image sha256:\w+ of \S+ is damaged/);
    expect(stderr).not.toContain("SUCCESS Verify");
    expect([code, error?.reason, stdout]).toEqual([255, "oci-invalid-image", ""]);
    for (const { digest } of layers) expect(error?.detail).toContain(digest);
  });
});

describe("image save", () => {
  test.each([
    ["oci", ["blobs", "index.json", "oci-layout"]],
    ["oci-archive", ["blobs", "index.json", "oci-layout"]],
    ["docker-archive", ["manifest.json"]],
    ["all", ["blobs", "index.json", "manifest.json", "oci-layout"]],
  ])("writes the form %s", async (format, files) => {
    const dir = tempDir("saved");
    await output(`save amd64.bst ${dir}/x --format ${format}`);
    const folder = format === "oci" ? join(dir, "x") : join(dir, "unpacked");
    if (format !== "oci") spawnSync("sh", ["-c", `mkdir ${folder} && tar xf ${dir}/x -C ${folder}`]);
    expect(readdirSync(folder).filter((name) => !/^[0-9a-f]{64}/.test(name))).toEqual(files);
    const manifest = join(folder, "manifest.json");
    const [docker] = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : [];
    if (docker) expect(docker.RepoTags).toEqual(["example/app:1.0", "example/app:latest"]);
    const tagged = await output(`save amd64.bst ${dir}/y --format ${format} --tag x/y:1`);
    expect(tagged).toMatch(/^sha256:/);
  });

  test("of several images to a docker archive wants to know which", async () => {
    const dir = tempDir("several");
    const { error } = await run(`save both.bst ${dir}/x --format docker-archive`);
    expect(error?.message).toContain("Choose one by --platform");
    expect(readdirSync(dir)).toEqual([]);
    await output(`save both.bst ${dir}/x --format docker-archive --platform linux/arm64`);
  });

  test("writes to what is no regular file, and replaces what links lead to", async () => {
    const dir = tempDir("special");
    await output(`save amd64.bst ${dir}/file`);
    spawnSync("mkfifo", [`${dir}/pipe`]);
    symlinkSync("pipe", `${dir}/link`);
    const read = promisify(execFile)("cat", [`${dir}/pipe`], { encoding: "buffer" });
    await output(`save amd64.bst ${dir}/link`);
    expect((await read).stdout.equals(readFileSync(`${dir}/file`))).toBe(true);
    expect(lstatSync(`${dir}/pipe`).isFIFO()).toBe(true);
    expect(readlinkSync(`${dir}/link`)).toBe("pipe");
  });

  test("writes to the standard output, and nothing else there", async () => {
    const dir = tempDir("output");
    await output(`save amd64.bst ${dir}/file`);
    expect(await output("save amd64.bst -")).toBe(readFileSync(`${dir}/file`, "utf8"));
    expect((await run("save amd64.bst - --format oci")).error?.message).toContain("A layout is a folder");
    expect(await output("sbom amd64.bst --output -")).toBe(await output("sbom amd64.bst"));
    expect((await run(`save amd64.bst ${dir} --force`)).error?.message).toContain("is a folder");
  });

  test.each([
    ["docker-archive", "Bad Tag"],
    ["docker-archive", "no-tag"],
    ["all", "UPPER/x:1"],
    ["oci-archive", "a b"],
  ])("of form %s does not call an image '%s'", async (format, name) => {
    const dir = tempDir("name");
    const { error } = await run(["save", "amd64.bst", `${dir}/x`, "--format", format, "--tag", name]);
    expect(error).toMatchObject({ reason: "invalid-image-name" });
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe.skipIf(podmanAbsent !== undefined)(`podman${podmanAbsent ? ` (skipped: ${podmanAbsent})` : ""}`, () => {
  test("loads what is saved, of one platform and of several", async () => {
    using podman = new Podman();
    const dir = tempDir("podman");
    for (const format of ["all", "docker-archive", "oci-archive"]) {
      await output(`save amd64.bst ${dir}/${format}.tar --format ${format} --tag example/saved:${format}`);
      expect(await podman.load(`${dir}/${format}.tar`)).toEqual([`localhost/example/saved:${format}`]);
    }
    const registry = await serveRegistry();
    await output(`push amd64.bst arm64.bst ${registry.host}/app:1`);
    await output(`pull ${registry.host}/app:1 oci-archive:${dir}/both.tar:example/both:1 --all`);
    expect(await podman.load(`${dir}/both.tar`)).toEqual(["localhost/example/both:1"]);
    const here = process.arch === "arm64" ? "arm64" : "amd64";
    expect(await podman.inspect("localhost/example/both:1")).toMatchObject({ Architecture: here });
  });
});

describe("a registry and a client of others", () => {
  function skopeo(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync("skopeo", ["--insecure-policy", ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  test("understand what is pushed, and are understood", async () => {
    const host = await serveDebianRegistry();
    const dir = tempDir("skopeo");
    const digest = await output(`push amd64.bst arm64.bst ${host}/app:1`);
    expect(await output(`push amd64.bst arm64.bst ${host}/again:1`)).toBe(digest);
    skopeo("copy", "--all", "--src-tls-verify=false", `docker://${host}/app:1`, `oci:${dir}/theirs:x`);
    expect(await output(`verify oci:${dir}/theirs:x`)).toContain(`${digest} is whole: 3 manifests`);
    skopeo(
      "copy",
      "--dest-tls-verify=false",
      "--format",
      "v2s2",
      "--override-arch",
      "amd64",
      `oci:${dir}/theirs:x`,
      `docker://${host}/theirs:1`,
    );
    await output(`pull ${host}/theirs:1 oci:${dir}/ours:y`);
    expect(await output(`verify oci:${dir}/ours:y`)).toContain("is whole");
    await output(`copy docker://${host}/theirs:1 docker://${host}/elsewhere:1`);
    expect(JSON.parse(skopeo("inspect", "--tls-verify=false", `docker://${host}/elsewhere:1`)).Architecture).toBe(
      "amd64",
    );
    for (const form of ["docker-archive", "oci-archive", "all"]) {
      await output(`save amd64.bst ${dir}/${form}.tar --format ${form}`);
      const transport = form === "all" ? "docker-archive" : form;
      skopeo("copy", `${transport}:${dir}/${form}.tar`, `dir:${dir}/${form}`);
    }
  });
});
