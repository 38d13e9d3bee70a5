import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { INDEX, LAYER, MANIFEST } from "../../src/oci/media-types.ts";
import { readBaseImage } from "../../src/oci/parent.ts";
import { ociImage } from "../../src/sources/oci-image.ts";
import type { Plain } from "../../src/yaml/node.ts";
import { project, runCli } from "../helpers.ts";
import { hostileDescriptions, hostileLayers, type ImageParts, makeImage } from "../oci/hostile-images.ts";
import { serveRegistry, sha256, type TestRegistry } from "../oci/registry-server.ts";
import { bench } from "./helpers.ts";
import { archive, directory, type Member, symlink } from "./tar-writer.ts";

const NAME = "some/base";
const files: readonly Member[] = [directory("etc"), { name: "etc/os", content: "base" }, symlink("lib", "usr/lib")];

/** Puts an image into a registry; returns the descriptor of its manifest. */
function addImage(registry: TestRegistry, tag: string, parts: ImageParts = {}) {
  const manifest = makeImage((bytes) => registry.addBlob(NAME, bytes), { layer: archive(files), ...parts });
  return { mediaType: MANIFEST, ...registry.addManifest(NAME, tag, manifest, MANIFEST) };
}

function addIndex(registry: TestRegistry, tag: string, architectures: readonly string[]) {
  const manifests = architectures.map((architecture) => ({
    ...addImage(registry, architecture, { architecture }),
    platform: { os: "linux", architecture },
  }));
  const attestation = { ...addImage(registry, "x"), platform: { os: "unknown", architecture: "unknown" } };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...manifests, attestation] };
  return registry.addManifest(NAME, tag, index, INDEX);
}

function sourceOn(registry: TestRegistry, config: { readonly [key: string]: Plain }) {
  const on = bench();
  return { on, source: on.configure(ociImage, { url: `docker://${registry.host}/${NAME}`, ...config }) };
}

/** Names of what was kept. */
function kept(mirror: string): string[] {
  return existsSync(join(mirror, "blobs")) ? readdirSync(join(mirror, "blobs/sha256")) : [];
}

describe("oci_image", () => {
  test("is a layout that images are built on", async () => {
    const registry = await serveRegistry();
    const { digest } = addImage(registry, "1");
    const { on, source } = sourceOn(registry, { ref: digest, track: "1" });
    expect(await source.track(on.io)).toBe(digest);
    expect(source.isCached(on.io)).toBe(false);
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
    const tree = await on.stage(source);
    const base = readBaseImage(on.cas, tree.digest(), 0, "base");
    expect(base.layers.map(({ diffId }) => diffId)).toEqual([sha256(archive(files))]);
    expect(base.history).toEqual([{ created_by: "test" }]);
    const before = registry.requests.length;
    await source.fetch(on.io);
    expect(
      registry.requests
        .slice(before)
        .filter((request) => request.includes("blobs") && !request.includes(sha256("config"))),
    ).toHaveLength(1);
  });

  test("has a key that says what it is, and not where it is from", () => {
    const on = bench();
    const key = (config: { readonly [key: string]: Plain }) => on.configure(ociImage, config).uniqueKey();
    const ref = sha256("x");
    expect(key({ url: "docker://debian", ref })).toEqual(
      key({ url: "docker://mirror.example/debian", ref, track: "12" }),
    );
    expect(key({ url: "docker://debian", ref, platform: "linux/arm64" })).not.toEqual(
      key({ url: "docker://debian", ref }),
    );
  });

  test("takes the image for a platform out of an index, or all of them", async () => {
    const registry = await serveRegistry();
    const { digest } = addIndex(registry, "1", ["amd64", "arm64"]);
    const staged = async (platform: string) => {
      const { on, source } = sourceOn(registry, { ref: digest, track: "1", platform });
      expect(await source.track(on.io)).toBe(digest);
      await source.fetch(on.io);
      const tree = await on.stage(source);
      const node = tree.lookup("index.json");
      const index = JSON.parse(node?.kind === "file" ? on.cas.read(node.digest).toString() : "{}");
      return index.manifests.map((entry: { platform: { architecture: string } }) => entry.platform.architecture);
    };
    expect(await staged("linux/arm64")).toEqual(["arm64"]);
    expect(await staged("all")).toEqual(["amd64", "arm64"]);
    for (const platform of [undefined, "linux/riscv64"]) {
      const { on, source } = sourceOn(registry, { ref: digest, track: "1", ...(platform && { platform }) });
      const wrong = { domain: "source", reason: "no-image-for-platform" };
      await expect(source.fetch(on.io)).rejects.toMatchObject(wrong);
      await expect(source.track(on.io)).rejects.toMatchObject(wrong);
      // The index is here already, of another platform's fetch.
      const known = on.configure(ociImage, { url: `docker://${registry.host}/${NAME}`, ref: digest, platform: "all" });
      await known.fetch(on.io);
      expect(() => source.isCached(on.io)).toThrow(
        expect.objectContaining({ ...wrong, message: expect.stringMatching(/\.bst \[line \d+ column \d+\]: /) }),
      );
    }
    const { on, source } = sourceOn(registry, { ref: addImage(registry, "2").digest, platform: "linux/arm64" });
    await expect(source.fetch(on.io)).rejects.toThrow("is for linux/amd64");
  });

  test("tells a blob that was changed here", async () => {
    const registry = await serveRegistry();
    const { on, source } = sourceOn(registry, { ref: addImage(registry, "1").digest });
    await source.fetch(on.io);
    const [layer] = kept(on.io.mirrorDirectory).filter((name) => name === sha256(gzipSync(archive(files))).slice(7));
    writeFileSync(
      join(on.io.mirrorDirectory, "blobs/sha256", layer ?? ""),
      Buffer.alloc(gzipSync(archive(files)).length),
    );
    await expect(on.stage(source)).rejects.toThrow("damaged");
  });

  const elsewhere = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
  test.each<readonly [string, ImageParts, RegExp]>([
    ...hostileLayers.map(([name, layer, message]) => [name, { layer }, message] as const),
    ...hostileDescriptions,
    ["a layer that is elsewhere", { layerType: elsewhere, said: { urls: ["http://x"] } }, /is had elsewhere/],
    ["no configuration of an image", { configType: "application/vnd.test" }, /is no image/],
  ])("refuses %s, and keeps nothing", async (_, parts, message) => {
    const registry = await serveRegistry();
    const { on, source } = sourceOn(registry, { ref: addImage(registry, "1", parts).digest });
    const attempt = source.fetch(on.io);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({ domain: "source" });
    expect(kept(on.io.mirrorDirectory)).toEqual([]);
    expect(source.isCached(on.io)).toBe(false);
  });

  test("refuses a layer with other bytes than announced", async () => {
    const registry = await serveRegistry();
    const { digest } = addImage(registry, "1");
    const layer = gzipSync(archive(files));
    const other = Buffer.from(layer);
    other[other.length - 9] = (other.at(-9) ?? 0) ^ 1;
    registry.blobs.get(NAME)?.set(sha256(layer), other);
    const { on, source } = sourceOn(registry, { ref: digest });
    await expect(source.fetch(on.io)).rejects.toMatchObject({ reason: "registry-wrong-content", domain: "source" });
    expect(kept(on.io.mirrorDirectory)).toEqual([]);
  });

  test("looks at a layer again of which another image says something else", async () => {
    const registry = await serveRegistry();
    const good = addImage(registry, "1");
    const bad = addImage(registry, "2", { diffIds: [sha256("other")] });
    const { on, source } = sourceOn(registry, { ref: good.digest });
    await source.fetch(on.io);
    source.setRef(bad.digest);
    await expect(source.fetch(on.io)).rejects.toThrow("diff_id");
  });

  test("takes uncompressed layers, and types of Docker's", async () => {
    const registry = await serveRegistry();
    const docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    for (const parts of [{ compressed: archive(files), layerType: LAYER }, { layerType: docker }]) {
      const { on, source } = sourceOn(registry, { ref: addImage(registry, "1", parts).digest });
      await source.fetch(on.io);
      expect(readBaseImage(on.cas, (await on.stage(source)).digest(), 0, "base").layers).toHaveLength(1);
    }
  });

  test.each([{ url: "docker://UPPER" }, { url: "docker://debian:12" }, { url: "docker://debian", platform: "x" }])(
    "refuses %o",
    (config) => {
      expect(() => bench().configure(ociImage, config)).toThrow(expect.objectContaining({ name: "BstError" }));
    },
  );

  test("is the parent of an image, through aliases, tracking and project.refs", async () => {
    const registry = await serveRegistry();
    const { digest } = addIndex(registry, "stable", ["amd64", "arm64"]);
    const cwd = project({
      "project.conf": `name: test\nmin-version: 2.0\nref-storage: project.refs\naliases:\n  reg: http://${registry.host}/\n`,
      "base.bst": `kind: import\nsources:\n- kind: oci_image\n  url: reg:${NAME}\n  track: stable\n  platform: linux/amd64\n`,
      "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
      "files/srv/app": "app",
      "app.bst":
        "kind: oci\nbuild-depends: [base.bst, files.bst]\nconfig:\n  images:\n  - architecture: amd64\n    os: linux\n" +
        "    parent: {element: base.bst}\n    layer: [files.bst]\n",
    });
    expect((await runCli(["source", "track", "base.bst"], { cwd })).code).toBe(0);
    const built = await runCli(["build", "app.bst"], { cwd });
    expect([built.code, built.stderr.match(/BUG.*/)]).toEqual([0, null]);
    const { stdout } = await runCli(["image", "inspect", "--json", "app.bst"], { cwd });
    const [image] = JSON.parse(stdout).images;
    expect(image.layers.map((layer: { diffId: string }) => layer.diffId)[0]).toBe(sha256(archive(files)));
    expect(image.layers).toHaveLength(2);
    const shown = await runCli(["show", "--deps", "none", "--format", "%{source-info}", "base.bst"], { cwd });
    expect(shown.stdout).toContain(digest);
  });
});
