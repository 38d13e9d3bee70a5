import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { materialise } from "../../src/cas/materialise.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { Memo } from "../../src/oci/memo.ts";
import { readOciSpec } from "../../src/oci/schema.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";
import { tempDir } from "../helpers.ts";
import {
  type ArchivedImage,
  assemble,
  type Configuration,
  type Content,
  type Descriptor,
  fileAt,
  type Index,
  type Manifest,
  newCas,
  readJson,
  treeOf,
} from "./helpers.ts";
import { applyLayer, filesOf, readArchive } from "./untar.ts";

const none: Descriptor = { digest: "", size: 0 };
const linux = { architecture: "amd64", os: "linux" };
const base: Record<string, Content> = { "bin/sh": { executable: "sh" }, "etc/passwd": "root", "etc/old": "1" };
const app: Record<string, Content> = { "bin/sh": { executable: "sh" }, "etc/passwd": "root", "srv/app.js": "app" };

describe("an image", () => {
  test("is an OCI layout whose blobs are named by their digests, and that docker can load", async () => {
    const cas = newCas();
    const config = {
      annotations: { index: "yes" },
      images: [
        {
          ...linux,
          author: "Somebody",
          comment: "First",
          variant: "v3",
          layer: ["base.bst"],
          tags: ["example:1.0", "example:latest"],
          annotations: { manifest: "yes" },
          "index-annotations": { entry: "yes" },
          config: {
            User: "web",
            ExposedPorts: ["80/tcp", "8080"],
            Env: ["A=value"],
            Entrypoint: ["/bin/app"],
            Cmd: ["--param"],
            Volumes: ["/var/lib/app"],
            WorkingDir: "/home/web",
            Labels: { a: "b" },
            StopSignal: "SIGKILL",
          },
        },
      ],
    };
    const { tree, json } = await assemble(cas, config, [{ tree: treeOf(cas, base) }]);
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    const index = json<Index>("index.json");
    expect(index.annotations).toEqual({ index: "yes" });
    const [entry = none] = index.manifests;
    expect(entry).toMatchObject({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      annotations: { "org.opencontainers.image.ref.name": "example:1.0", entry: "yes" },
      platform: { architecture: "amd64", os: "linux", variant: "v3" },
    });
    const blob = (digest: string) => `blobs/sha256/${digest.replace("sha256:", "")}`;
    const manifest = json<Manifest>(blob(entry.digest));
    expect(manifest.annotations).toEqual({ manifest: "yes" });
    const configuration = json<Configuration>(blob(manifest.config.digest));
    expect(configuration).toEqual({
      author: "Somebody",
      architecture: "amd64",
      variant: "v3",
      os: "linux",
      config: {
        User: "web",
        ExposedPorts: { "80/tcp": {}, "8080": {} },
        Env: ["A=value"],
        Entrypoint: ["/bin/app"],
        Cmd: ["--param"],
        Volumes: { "/var/lib/app": {} },
        WorkingDir: "/home/web",
        Labels: { a: "b" },
        StopSignal: "SIGKILL",
      },
      rootfs: { type: "layers", diff_ids: [expect.stringMatching(/^sha256:/)] },
      history: [{ author: "Somebody", comment: "First" }],
    });
    expect(json("manifest.json")).toEqual([
      {
        Config: blob(manifest.config.digest),
        RepoTags: ["example:1.0", "example:latest"],
        Layers: manifest.layers.map(({ digest }) => blob(digest)),
      },
    ]);
    for (const { path, node } of tree.entries()) {
      if (node.kind !== "file" || !path.startsWith("blobs/")) continue;
      expect(node.name).toBe(node.digest.hash);
      expect(digestOf(cas.read(node.digest))).toEqual(node.digest);
    }
    for (const { digest, size } of [entry, manifest.config, ...manifest.layers]) {
      expect(fileAt(tree, blob(digest)).size).toBe(size);
    }
  });

  test("is the same whenever and wherever it is assembled", async () => {
    const config = { images: [{ ...linux, layer: ["x.bst"] }] };
    const once = async () => {
      const cas = newCas();
      return (await assemble(cas, config, [{ tree: treeOf(cas, base) }])).layout;
    };
    expect(await once()).toEqual(await once());
  });
});

/** What the first image of a layout holds, by applying its layers. */
async function content(cas: Cas, layout: Digest) {
  const tree = new Tree(cas, layout);
  const [image] = readJson<ArchivedImage[]>(tree, "manifest.json");
  if (image === undefined) throw new Error("no image");
  let files = new Map<string, string>();
  for (const path of image.Layers) files = await applyLayer(cas, files, fileAt(tree, path));
  return { files, image, config: readJson<Configuration>(tree, image.Config) };
}

describe("an image on a parent", () => {
  const child = (extra: { [key: string]: Plain } = {}) => ({
    images: [{ ...linux, parent: { element: "base.bst" }, layer: ["app.bst"], comment: "App", ...extra }],
  });
  const setUp = async (parentConfig: { [key: string]: Plain } = {}) => {
    const cas = newCas();
    const config = { ...parentConfig, images: [{ ...linux, layer: ["base.bst"], comment: "Base" }] };
    const memo = new Memo(tempDir("memo"));
    const parent = await assemble(cas, config, [{ tree: treeOf(cas, base) }], { memo });
    return {
      cas,
      memo,
      parent,
      inputs: [{ tree: treeOf(cas, app), parent: { layout: parent.layout, name: "base.bst" } }],
    };
  };

  test("has the parent's layers as they are, and one that tells what differs", async () => {
    const { cas, memo, parent, inputs } = await setUp();
    const { layout } = await assemble(cas, child(), inputs, { memo });
    const below = await content(cas, parent.layout);
    const { files, image, config } = await content(cas, layout);
    expect(files).toEqual(filesOf(cas, treeOf(cas, app)));
    expect(image.Layers).toHaveLength(2);
    expect(image.Layers[0]).toBe(below.image.Layers[0]);
    expect(config.history).toEqual([{ comment: "Base" }, { comment: "App" }]);
  });

  test("is the same when what was remembered is lost", async () => {
    const { cas, memo, inputs } = await setUp();
    const remembered = await assemble(cas, child(), inputs, { memo });
    const forgotten = await assemble(cas, child(), inputs);
    expect(forgotten.layout).toEqual(remembered.layout);
  });

  test("is written no second time", async () => {
    const { cas, memo, inputs } = await setUp();
    const first = await assemble(cas, child(), inputs, { memo });
    const [, layer = ""] = (await content(cas, first.layout)).image.Layers;
    const path = cas.objectPath(fileAt(first.tree, layer));
    const before = readFileSync(path);
    const second = await assemble(cas, child({ comment: "Other" }), inputs, { memo });
    expect((await content(cas, second.layout)).image.Layers[1]).toBe(layer);
    rmSync(path);
    await assemble(cas, child({ comment: "Third" }), inputs, { memo });
    expect(readFileSync(path)).toEqual(before);
  });

  test.each(["etc/passwd", "usr/passwd"])(
    "can be the parent with files added, whose owners it knows in %s",
    async (path) => {
      const cas = newCas();
      const table = "app:x:1000:1000::/:\n";
      const users = {
        ...(path !== "etc/passwd" && { "etc/passwd": { symlink: `/${path}` } }),
        [path]: table,
        "etc/x": "1",
        lib: { symlink: "usr/lib" },
        "usr/lib/a": "1",
      };
      const parent = await assemble(cas, { images: [{ ...linux, layer: ["base.bst"] }] }, [
        { tree: treeOf(cas, users) },
      ]);
      // As if the image were from elsewhere: what only its layers hold is not in the cache.
      rmSync(cas.objectPath(digestOf(table)));
      const config = { images: [{ ...linux, parent: { element: "base.bst" }, add: ["app.bst"] }] };
      const on = (files: Record<string, Content>) => ({
        tree: treeOf(cas, files),
        declared: new Map([["srv/app", { user: "app" }]]),
        parent: { layout: parent.layout, name: "base.bst" },
      });
      const { layout, tree } = await assemble(cas, config, [on({ "srv/app": "app", "etc/x": "2" })]);
      const { files, image } = await content(cas, layout);
      expect(files).toEqual(filesOf(cas, treeOf(cas, { ...users, "srv/app": "app", "etc/x": "2" })));
      const added = await readArchive(cas, fileAt(tree, image.Layers[1] ?? ""));
      expect(added.map(({ header: { name, uid } }) => `${name} ${uid}`)).toEqual([
        "etc/ 0",
        "etc/x 0",
        "srv/ 0",
        "srv/app 1000",
      ]);
      for (const clash of [{ "lib/b": "1" }, { usr: "1" }]) {
        await expect(assemble(cas, config, [on(clash)])).rejects.toMatchObject({ reason: "oci-addition-conflict" });
      }
    },
  );

  test("without a layer has the parent's content, and a step without layer in its history", async () => {
    const { cas, inputs } = await setUp();
    const config = { images: [{ ...linux, parent: { element: "base.bst" }, config: { User: "web" } }] };
    const { layout } = await assemble(cas, config, [{ parent: inputs[0]?.parent }]);
    const result = await content(cas, layout);
    expect(result.files).toEqual(filesOf(cas, treeOf(cas, base)));
    expect(result.config).toMatchObject({
      config: { User: "web" },
      history: [{ comment: "Base" }, { empty_layer: true }],
    });
    expect(result.config.rootfs.diff_ids).toHaveLength(1);
  });

  test.each([
    ["docker", "oci"],
    ["oci", "docker"],
    ["docker", "docker"],
  ])("of mode %s can itself be of mode %s", async (below, above) => {
    const { cas, inputs } = await setUp({ mode: below });
    const { layout, tree } = await assemble(cas, { mode: above, ...child() }, inputs);
    expect(tree.exists("index.json")).toBe(above === "oci");
    const { files, config } = await content(cas, layout);
    expect(files).toEqual(filesOf(cas, treeOf(cas, app)));
    expect(config.rootfs.diff_ids).toHaveLength(2);
  });

  test("whose layers are compressed by zstd can itself be of mode docker", async () => {
    const { cas, inputs } = await setUp({ compression: "zstd" });
    const { layout } = await assemble(cas, { mode: "docker", ...child() }, inputs);
    expect((await content(cas, layout)).files).toEqual(filesOf(cas, treeOf(cas, app)));
  });

  test("names it by element and place", async () => {
    const cas = newCas();
    const two = {
      images: [
        { ...linux, layer: ["a"] },
        { ...linux, architecture: "arm64", layer: ["b"] },
      ],
    };
    const parent = await assemble(cas, two, [{ tree: treeOf(cas, base) }, { tree: treeOf(cas, { b: "1" }) }]);
    const config = (image: string) => ({
      images: [{ ...linux, parent: { element: "base.bst", image }, layer: ["c"] }],
    });
    const inputs = [{ tree: treeOf(cas, { b: "1", c: "1" }), parent: { layout: parent.layout, name: "base.bst" } }];
    const { layout } = await assemble(cas, config("1"), inputs);
    expect((await content(cas, layout)).files).toEqual(
      new Map([
        ["b", "1"],
        ["c", "1"],
      ]),
    );
    await expect(assemble(cas, config("2"), inputs)).rejects.toThrow("base.bst has no image 2");
  });

  test("says so where the parent is no image, or a damaged one", async () => {
    const { cas, parent, inputs } = await setUp();
    const on = (layout: Digest) =>
      assemble(cas, child(), [{ tree: inputs[0]?.tree, parent: { layout, name: "base.bst" } }]);
    await expect(on(treeOf(cas, app))).rejects.toMatchObject({ domain: "element", reason: "oci-invalid-image" });
    const damaged = new Tree(cas, parent.layout);
    const [name = ""] = [...damaged.paths()].filter((path) => path.startsWith("blobs/sha256/"));
    damaged.addFile(name, cas.write("something else"), { executable: false });
    await expect(on(damaged.digest())).rejects.toThrow("is damaged");
    const empty = new Tree(cas, parent.layout);
    empty.addFile("index.json", cas.write("{"), { executable: false });
    await expect(on(empty.digest())).rejects.toThrow("no valid JSON");
  });
});

describe("docker's own form", () => {
  test("has each layer in a folder", async () => {
    const cas = newCas();
    const images = [{ ...linux, layer: ["x.bst"], tags: ["host:5000/example:1.0"], config: { Memory: "2048" } }];
    const { tree, json } = await assemble(cas, { mode: "docker", images }, [{ tree: treeOf(cas, base) }]);
    const [image = { Config: "", Layers: [] }] = json<ArchivedImage[]>("manifest.json");
    const [folder = ""] = image.Layers.map((path) => path.split("/")[0]);
    expect([...tree.paths()].sort()).toEqual(
      [
        image.Config,
        folder,
        `${folder}/VERSION`,
        `${folder}/json`,
        `${folder}/layer.tar`,
        "manifest.json",
        "repositories",
      ].sort(),
    );
    expect(json("repositories")).toEqual({ "host:5000/example": { "1.0": folder } });
    expect(json(image.Config)).toMatchObject({ config: { Memory: 2048 } });
  });

  test("has its own limits and health checks, in their units", async () => {
    const cas = newCas();
    const config = {
      Memory: "2048",
      MemorySwap: "-1",
      CpuShares: "2",
      Healthcheck: {
        Test: ["CMD", "/bin/test", "param"],
        Interval: "50000000000",
        Timeout: "10000000000",
        Retries: "2",
      },
    };
    const { json } = await assemble(cas, { mode: "docker", images: [{ ...linux, layer: ["x.bst"], config }] }, [
      { tree: treeOf(cas, base) },
    ]);
    const [image = { Config: "" }] = json<ArchivedImage[]>("manifest.json");
    expect(json<{ config: object }>(image.Config).config).toEqual({
      Memory: 2048,
      MemorySwap: -1,
      CpuShares: 2,
      // Nanoseconds, as Docker has them.
      Healthcheck: {
        Test: ["CMD", "/bin/test", "param"],
        Interval: 50_000_000_000,
        Timeout: 10_000_000_000,
        Retries: 2,
      },
    });
  });
});

describe("several images", () => {
  test("are in one index, each with its platform and its own layers and date", async () => {
    const cas = newCas();
    const images = [
      { ...linux, layer: ["a"], tags: ["a:1"], "source-date-epoch": "1000000000" },
      {
        architecture: "arm",
        os: "windows",
        variant: "v7",
        "os.version": "10.0",
        "os.features": ["a", "b"],
        layer: ["a"],
        "source-date-epoch": "0",
      },
      { ...linux, architecture: "arm64", layer: ["a"] },
    ];
    const tree = treeOf(cas, base);
    const { json } = await assemble(cas, { compression: "none", images }, [{ tree }, { tree }, { tree }]);
    const { manifests } = json<{ manifests: (Descriptor & { platform: object; annotations?: object })[] }>(
      "index.json",
    );
    expect(manifests.map(({ platform }) => platform)).toEqual([
      linux,
      { architecture: "arm", os: "windows", variant: "v7", "os.version": "10.0", "os.features": ["a", "b"] },
      { ...linux, architecture: "arm64" },
    ]);
    expect(manifests.map(({ annotations }) => annotations)).toEqual([
      { "org.opencontainers.image.ref.name": "a:1" },
      undefined,
      undefined,
    ]);
    const blob = (digest = "") => `blobs/sha256/${digest.replace("sha256:", "")}`;
    const layers: Descriptor[] = [];
    const configs: object[] = [];
    for (const { digest } of manifests) {
      const manifest = json<Manifest>(blob(digest));
      layers.push(...manifest.layers);
      configs.push(json<object>(blob(manifest.config.digest)));
    }
    expect(configs).toMatchObject([
      { created: "2001-09-09T01:46:40Z", history: [{ created: "2001-09-09T01:46:40Z" }] },
      { created: "1970-01-01T00:00:00Z", "os.version": "10.0", "os.features": ["a", "b"], variant: "v7" },
      {},
    ]);
    expect(configs[2]).not.toHaveProperty("created");
    const times = await Promise.all(
      layers.map(async ({ digest, size }) => {
        const [entry] = await readArchive(cas, { hash: digest.replace("sha256:", ""), size });
        return entry?.header.mtime?.getTime();
      }),
    );
    expect(times).toEqual([1_000_000_000_000, 0, 0]);
  });
});

describe("an image's configuration", () => {
  const reason = (config: { [key: string]: Plain }) => {
    try {
      readOciSpec(mappingFrom(config));
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test.each<[string, { [key: string]: Plain }, string]>([
    ["an empty architecture", { images: [{ os: "linux", architecture: "" }] }, "can't be empty"],
    ["no images", { images: [] }, "an image at least"],
    ["no os", { images: [{ architecture: "amd64" }] }, "os"],
    ["annotations in mode docker", { mode: "docker", annotations: {}, images: [] }, "have no 'annotations'"],
    ["a tag without version", { images: [{ ...linux, tags: ["example"] }] }, "tag"],
    ["a tag in upper case", { images: [{ ...linux, tags: ["x:1", "example/APP:1"] }] }, "lower case"],
    ["a tag with a host in upper case", { images: [{ ...linux, tags: ["UPPER/x:1"] }] }, "lower case"],
    ["a tag with a digest", { images: [{ ...linux, tags: [`x@sha256:${"0".repeat(64)}`] }] }, "with a tag"],
    ["a negative image", { images: [{ ...linux, parent: { element: "x", image: "-1" } }] }, "negative"],
    ["contradicting compressions", { gzip: "enabled", compression: "zstd", images: [] }, "contradicts"],
    ["contradicting compressions", { gzip: "False", compression: "gzip", images: [] }, "contradicts"],
    ["compression in mode docker", { mode: "docker", compression: "gzip", images: [] }, "no compressed layers"],
    ["a level of no compression", { compression: "none", "compression-level": "1", images: [] }, "compression-level"],
    ["a level that gzip has not", { "compression-level": "10", images: [] }, "from 1 to 9"],
    ["a date that no tar can have", { images: [{ ...linux, "source-date-epoch": "8589934592" }] }, "too large"],
    ["additions to nothing", { images: [{ ...linux, add: ["x"] }] }, "nothing to add to"],
    [
      "additions and a layer",
      { images: [{ ...linux, parent: { element: "p" }, layer: ["x"], add: ["y"] }] },
      "besides",
    ],
    ["layers of nothing", { images: [{ ...linux, layers: { max: "9" } }] }, "nothing to divide"],
    ["too few layers", { images: [{ ...linux, layer: ["x"], layers: { max: "2" } }] }, "from 3 to 125"],
  ])("is refused with %s", (_name, config, message) => {
    expect(reason(config)).toMatchObject({
      domain: "load",
      reason: "invalid-data",
      message: expect.stringContaining(message),
    });
  });

  test("compresses unless it is Docker's own form, or told otherwise", () => {
    const kind = (config: { [key: string]: Plain }) => {
      const { compression } = readOciSpec(mappingFrom({ images: [linux], ...config }));
      return `${compression.kind} ${compression.level}`;
    };
    expect(kind({})).toBe("gzip 6");
    expect(kind({ compression: "auto" })).toBe("gzip 6");
    expect(kind({ mode: "docker" })).toBe("none 0");
    expect(kind({ gzip: "disabled" })).toBe("none 0");
    expect(kind({ gzip: "False", compression: "auto" })).toBe("none 0");
    expect(kind({ gzip: "enabled", compression: "gzip", "compression-level": "9" })).toBe("gzip 9");
    expect(kind({ compression: "zstd" })).toBe("zstd 3");
    expect(kind({ compression: "zstd", "compression-level": "19" })).toBe("zstd 19");
  });
});

/** Why a program of the machine can't be asked; undefined where it can. */
function missing(program: string): string | undefined {
  return spawnSync(program, ["--version"]).error === undefined ? undefined : `${program} is not installed`;
}

describe("other programs", () => {
  const skopeo = missing("skopeo");
  test.skipIf(skopeo !== undefined)(`skopeo copies the layout${skopeo ? ` (skipped: ${skopeo})` : ""}`, async () => {
    const cas = newCas();
    const { layout } = await assemble(cas, { images: [{ ...linux, layer: ["x"] }] }, [{ tree: treeOf(cas, base) }]);
    const folder = join(tempDir("layout"), "image");
    materialise(cas, layout, folder, { mode: "copy" });
    const copied = `${folder}-copy`;
    const run = spawnSync("skopeo", ["--insecure-policy", "copy", `oci:${folder}`, `dir:${copied}`], {
      encoding: "utf8",
    });
    expect(run.stderr).toBe("");
    expect(readdirSync(copied)).toContain("manifest.json");
  });

  test("gunzip agrees with the layer's diff_id", async () => {
    const cas = newCas();
    const { layout } = await assemble(cas, { images: [{ ...linux, layer: ["x"] }] }, [{ tree: treeOf(cas, base) }]);
    const { image, config } = await content(cas, layout);
    const layers = image.Layers.map((path) => gunzipSync(cas.read(fileAt(new Tree(cas, layout), path))));
    expect(config.rootfs.diff_ids).toEqual(layers.map((layer) => `sha256:${digestOf(layer).hash}`));
  });
});
