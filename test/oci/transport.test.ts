import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { checkLayer } from "../../src/oci/check-layer.ts";
import { copyImage, type Selection } from "../../src/oci/copy.ts";
import { LAYER, LAYER_GZIP, MANIFEST } from "../../src/oci/media-types.ts";
import { choose, formatPlatform, hostPlatform, parsePlatform } from "../../src/oci/platform.ts";
import { JoinedReader } from "../../src/oci/transport/joined.ts";
import { type ImageName, parseImageName } from "../../src/oci/transport/names.ts";
import { openReader, type TransportTools, withArchive, withWriter } from "../../src/oci/transport/open.ts";
import { headerOf } from "../../src/oci/transport/tar-writer.ts";
import type { ImageReader } from "../../src/oci/transport/types.ts";
import { verifyImage } from "../../src/oci/verify.ts";
import { tempDir } from "../helpers.ts";
import { archive, symlink } from "../sources/tar-writer.ts";
import { digestOf, type ImageOptions, LayoutMaker, layer, second } from "./image-parts.ts";

const { signal } = new AbortController();
const registry = { credentials: async () => undefined, signal };
const tools: TransportTools = {
  signal,
  temporaryDirectory: join(tempDir("tmp"), "new"),
  pull: registry,
  push: registry,
};

type External = Exclude<ImageName, { readonly kind: "element" }>;

function named(word: string): External {
  const name = parseImageName(word);
  if (name.kind === "element") throw new Error(`${word} is an element`);
  return name;
}

/** Returns the digest of what was copied. */
async function copy(from: string, to: string, select: Selection = "all", parallel = 4): Promise<string> {
  await using reader = await openReader(named(from), tools);
  const parts = await withWriter(named(to), await reader.tags(), tools, (writer) =>
    copyImage(reader, writer, { select, signal, parallel }),
  );
  return parts.root.descriptor.digest;
}

async function verify(word: string) {
  await using reader = await openReader(named(word), tools);
  const { digests, ...found } = await verifyImage(reader, { select: "all", signal });
  return { ...found, manifests: digests.length };
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return stdout;
}

const zstd = (plain: Buffer) => spawnSync("zstd", ["-c"], { input: plain }).stdout;

describe("an image", () => {
  test("stays the same through layouts and their archives, with any parallelism", async () => {
    const made = new LayoutMaker();
    const root = made.index([made.image(), made.image({ platform: { os: "linux", architecture: "arm64" } })]);
    made.add(root, "example:1");
    const dir = tempDir("copies");
    expect(await copy(`oci:${made.folder}:example:1`, `oci:${dir}/layout:two`)).toBe(root.digest);
    expect(await copy(`oci:${dir}/layout:two`, `oci-archive:${dir}/a.tar`)).toBe(root.digest);
    expect(await copy(`oci-archive:${dir}/a.tar:two`, `oci-archive:${dir}/b.tar:two`, "all", 1)).toBe(root.digest);
    expect(readFileSync(`${dir}/b.tar`).equals(readFileSync(`${dir}/a.tar`))).toBe(true);
    expect(await verify(`oci-archive:${dir}/b.tar`)).toMatchObject({ manifests: 3, blobs: 4, problems: [] });
    expect(run("tar", "tf", `${dir}/a.tar`).split("\n").slice(0, 2)).toEqual(["blobs/", "blobs/sha256/"]);
  });

  test.each<[string, ImageOptions]>([
    ["gzip", {}],
    ["nothing", { compress: (plain) => plain }],
    ["zstd", { compress: zstd, layerType: `${LAYER}+zstd` }],
  ])("compressed by %s is decompressed for docker, and is whole afterwards", async (_, options) => {
    const made = new LayoutMaker();
    made.add(made.image(options), "example:1");
    const dir = tempDir("docker");
    expect((await verify(`oci:${made.folder}`)).problems).toEqual([]);
    await copy(`oci:${made.folder}`, `docker-archive:${dir}/a.tar`);
    run("tar", "xf", `${dir}/a.tar`, "-C", dir);
    const [image] = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8"));
    expect(image.RepoTags).toEqual(["example:1"]);
    expect(image.Layers.map((path: string) => digestOf(readFileSync(join(dir, path))))).toEqual(
      [layer, second].map(digestOf),
    );
    for (const program of ["gzip", "zstd -q"]) {
      run("sh", "-c", `${program} -c ${dir}/a.tar > ${dir}/packed`);
      expect((await verify(`docker-archive:${dir}/packed:example:1`)).problems).toEqual([]);
    }
    expect(readdirSync(tools.temporaryDirectory)).toEqual([]);
  });

  test.each([0, 8 ** 11 - 1, 8 ** 11, 20e9])("can have a layer of %d bytes in a tar", (size) => {
    const path = join(tempDir("large"), "large.tar");
    const header = headerOf("layer.tar", size);
    expect(header.length).toBe(512);
    writeFileSync(path, header);
    truncateSync(path, 512 * (3 + Math.ceil(size / 512)));
    expect(run("tar", "tvf", path)).toMatch(new RegExp(` ${size} .* layer.tar\n$`));
  });

  test("that docker saved long ago has links for layers that it has twice", async () => {
    const config = {
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [digestOf(layer), digestOf(layer)] },
    };
    const tar = archive([
      { name: "c.json", content: JSON.stringify(config) },
      { name: "a/layer.tar", content: layer },
      symlink("b/layer.tar", "../a/layer.tar"),
      {
        name: "manifest.json",
        content: JSON.stringify([{ Config: "c.json", RepoTags: null, Layers: ["a/layer.tar", "b/layer.tar"] }]),
      },
    ]);
    const path = join(tempDir("old"), "old.tar");
    writeFileSync(path, tar);
    expect(await verify(`docker-archive:${path}`)).toMatchObject({ blobs: 2, problems: [] });
  });

  test("is chosen by its name, and by platform", async () => {
    const made = new LayoutMaker();
    const arm = made.image({ platform: { os: "linux", architecture: "arm64" } });
    const index = made.index([made.image(), arm]);
    made.add(index, "both").add(arm, "arm");
    const dir = tempDir("chosen");
    expect(await copy(`oci:${made.folder}:arm`, `oci:${dir}:x`)).toBe(arm.digest);
    expect(await copy(`oci:${made.folder}:both`, `oci:${dir}:x`, parsePlatform("linux/arm64/v8"))).toBe(arm.digest);
    expect(JSON.parse(readFileSync(join(dir, "index.json"), "utf8")).manifests).toHaveLength(1);
    await expect(copy(`oci:${made.folder}:other`, `oci:${dir}`)).rejects.toMatchObject({ reason: "no-such-image" });
    const wrong = copy(`oci:${made.folder}:both`, `oci:${dir}`, parsePlatform("linux/s390x"));
    await expect(wrong).rejects.toMatchObject({
      reason: "no-image-for-platform",
      detail: expect.stringContaining("linux/arm64"),
    });
    const single = copy(`oci:${made.folder}:arm`, `oci:${dir}`, parsePlatform("linux/amd64"));
    await expect(single).rejects.toMatchObject({
      reason: "no-image-for-platform",
      detail: expect.stringContaining("arm64"),
    });
    await expect(copy(`oci:${made.folder}:both`, `docker-archive:${dir}/x.tar`)).rejects.toThrow("one image");
    expect(existsSync(join(dir, "x.tar"))).toBe(false);
  });

  test("is not guessed where a file holds several for a platform, under names", async () => {
    const platform = hostPlatform();
    const made = new LayoutMaker();
    const [first, second] = [made.image({ platform }), made.image({ platform, config: { author: "another" } })];
    made.add(first, "first").add(second, "second").add(first, "third");
    const dir = tempDir("guessed");
    spawnSync("tar", ["cf", `${dir}/x.tar`, "-C", made.folder, "."]);
    for (const place of [`oci:${made.folder}`, `oci-archive:${dir}/x.tar`]) {
      await expect(copy(place, `oci:${dir}/out`, "here")).rejects.toMatchObject({
        reason: "no-such-image",
        message: expect.stringContaining(`holds several images for ${formatPlatform(platform)}`),
        detail: `It holds: first, second, third. Name one: ${place}:REF`,
      });
      expect(await copy(`${place}:second`, `oci:${dir}/out`, "here")).toBe(second.digest);
    }
    const same = new LayoutMaker();
    same.add(same.image({ platform }), "one").add(same.image({ platform }), "two");
    await copy(`oci:${same.folder}`, `oci:${dir}/out`, "here");
  });

  test("that can't be read whole leaves nothing", async () => {
    const made = new LayoutMaker();
    made.add(made.image());
    const big = made.put(gzipSync(second), LAYER_GZIP);
    const bytes = readFileSync(made.path(big));
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(made.path(big), bytes);
    const dir = tempDir("nothing");
    for (const to of [`oci-archive:${dir}/x.tar`, `docker-archive:${dir}/x.tar`, `oci:${dir}/layout`]) {
      await expect(copy(`oci:${made.folder}`, to)).rejects.toMatchObject({ reason: "registry-wrong-content" });
    }
    expect(readdirSync(dir)).toEqual(["layout"]);
    expect(existsSync(join(dir, "layout/index.json"))).toBe(false);
    expect(readdirSync(join(dir, "layout/blobs/sha256"))).not.toContain(big.digest.slice(7));
    expect(readdirSync(join(dir, "layout/blobs/sha256")).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  test("is written to no folder of something else", async () => {
    const made = new LayoutMaker();
    made.add(made.image());
    const dir = tempDir("other");
    writeFileSync(join(dir, "file"), "");
    await expect(copy(`oci:${made.folder}`, `oci:${dir}`)).rejects.toMatchObject({ reason: "image-not-written" });
    await expect(copy(`oci:${made.folder}`, `oci-archive:${dir}/file/x`)).rejects.toMatchObject({
      reason: "image-not-written",
    });
  });
});

describe("images of several platforms", () => {
  const openBoth = async (architectures: readonly string[]): Promise<ImageReader> => {
    const readers: ImageReader[] = [];
    for (const architecture of architectures) {
      const made = new LayoutMaker();
      made.add(
        made.image({ platform: { os: "linux", architecture }, config: { author: String(readers.length) } }),
        `x:${architecture}`,
      );
      readers.push(await openReader(named(`oci:${made.folder}`), tools));
    }
    return new JoinedReader(readers);
  };

  test("become one index, and one archive that docker and podman load", async () => {
    await using reader = await openBoth(["amd64", "arm64"]);
    const dir = tempDir("joined");
    const names = ["x:1", "x:2"];
    await withArchive(`${dir}/x.tar`, "both", names, signal, (writer) =>
      copyImage(reader, writer, { select: "all", signal }),
    );
    expect(await verify(`oci-archive:${dir}/x.tar`)).toMatchObject({ manifests: 3, problems: [] });
    run("tar", "xf", `${dir}/x.tar`, "-C", dir);
    const images = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8"));
    const here = process.arch === "arm64" ? 1 : 0;
    expect(images.map((image: { RepoTags: unknown }) => image.RepoTags)[here]).toEqual(names);
    expect(images.map((image: { RepoTags: unknown }) => image.RepoTags)[1 - here]).toBeNull();
  });

  test("are no two of the same", async () => {
    await using reader = await openBoth(["amd64", "amd64"]);
    await expect(reader.root()).rejects.toMatchObject({ reason: "duplicate-platform" });
  });

  test.each([
    ["linux/arm64", "v8"],
    ["linux/arm/v6", "v6"],
    ["linux/arm", "v7"],
  ])("are chosen by variant: %s", (wanted, variant) => {
    const of = (architecture: string, variant?: string) => ({
      mediaType: MANIFEST,
      digest: `${architecture} ${variant}`,
      size: 1,
      platform: { os: "linux", architecture, ...(variant && { variant }) },
    });
    const images = [of("arm", "v6"), of("arm", "v7"), of("arm64", "v8"), of("amd64")];
    expect(choose(images, parsePlatform(wanted), "x").platform?.variant).toBe(variant);
  });

  test.each(["linux", "a/b/c/d", "/x", "linux/a b", ""])("%j is no platform", (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ reason: "invalid-platform" }));
  });
});

describe("verify finds", () => {
  const problems = async (options: ImageOptions, damage: (made: LayoutMaker) => void = () => {}) => {
    const made = new LayoutMaker();
    made.add(made.image(options));
    damage(made);
    return (await verify(`oci:${made.folder}`)).problems.map(({ message }) => message).join("\n");
  };
  const change = (plain: Buffer) => (made: LayoutMaker) => {
    const blob = made.put(gzipSync(plain), LAYER_GZIP);
    const bytes = readFileSync(made.path(blob));
    bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
    writeFileSync(made.path(blob), bytes);
  };

  test.each<[string, ImageOptions, ((made: LayoutMaker) => void) | undefined, string]>([
    ["nothing in a whole image", {}, undefined, ""],
    ["a changed layer", {}, change(layer), "blob of digest"],
    ["two changed layers", {}, (made) => [layer, second].map((each) => change(each)(made)), "blob of digest"],
    ["a missing layer", {}, (made) => rmSync(made.path({ digest: digestOf(gzipSync(layer)) })), "has no blob"],
    [
      "a wrong diff_id",
      { config: { rootfs: { diff_ids: [digestOf(second), digestOf(second)] } } },
      undefined,
      "diff_id",
    ],
    ["a layer too few", { config: { rootfs: { diff_ids: [] } } }, undefined, "tells of 0"],
    ["a history of more layers", { config: { history: [{}, {}, {}] } }, undefined, "its history tells of 3"],
    ["nothing in a history of fewer layers", { config: { history: [{}] } }, undefined, ""],
    ["a platform that is another", { config: { architecture: "arm64" } }, undefined, "its index says linux/amd64"],
    ["no platform", { config: { os: 1 } }, undefined, "names no platform"],
    ["a wrong kind of layer", { layerType: LAYER }, undefined, "can't be used"],
    ["an unknown kind of layer", { layerType: "x/y" }, undefined, "unknown kind"],
    ["a layer that leads outside", { layers: [archive([{ name: "../x" }]), second] }, undefined, "points outside"],
  ])("%s", async (_, options, damage, message) => {
    const found = await problems(options, damage);
    if (message === "") expect(found).toBe("");
    else expect(found).toContain(message);
  });

  test("a changed manifest", async () => {
    const made = new LayoutMaker();
    const image = made.image();
    made.add(image);
    writeFileSync(made.path(image), readFileSync(made.path(image), "utf8").replace("gzip", "zstd"));
    await expect(verify(`oci:${made.folder}`)).rejects.toThrow("damaged");
  });

  test("a layer that grows beyond all measure", async () => {
    const bomb = archive([{ name: "zeros", content: Buffer.alloc(1 << 20) }]);
    const bytes = gzipSync(bomb);
    const descriptor = { mediaType: LAYER_GZIP, digest: digestOf(bytes), size: bytes.length };
    const place = "here";
    const limits = { bytes: 1000, ratio: 10, members: 10 };
    const open = async function* () {
      yield bytes;
    };
    const check = checkLayer(open, descriptor, digestOf(bomb), { place, signal, limits });
    await expect(check).rejects.toThrow("when decompressed");
    await checkLayer(open, descriptor, digestOf(bomb), { place, signal, limits: { ...limits, ratio: 2000 } });
    const none = { place, signal, limits: { ...limits, ratio: 2000, members: 0 } };
    const many = checkLayer(open, descriptor, digestOf(bomb), none);
    await expect(many).rejects.toThrow("members");
  });
});

describe("names of places", () => {
  test.each<[string, object]>([
    ["docker://debian", { kind: "registry" }],
    ["oci:a/b", { kind: "oci", path: "a/b", ref: undefined }],
    ["oci:/a:example/app:1", { kind: "oci", path: "/a", ref: "example/app:1" }],
    ["docker-archive:a.tar:x:1", { kind: "docker-archive", path: "a.tar", ref: "x:1" }],
    ["oci-archive:a.tar:", { kind: "oci-archive", path: "a.tar", ref: undefined }],
    ["oci/app.bst", { kind: "element", name: "oci/app.bst" }],
    [`test/app/${"0".repeat(64)}`, { kind: "element" }],
  ])("%s", (word, name) => {
    expect(parseImageName(word)).toMatchObject(name);
  });

  test.each(["", "debian", "oci:", "dir:x"])("%j is none", (word) => {
    expect(() => parseImageName(word)).toThrow(expect.objectContaining({ reason: "invalid-image-name" }));
  });
});
