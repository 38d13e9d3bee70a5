/** What somebody else made is no parent of an image, and not whole, if it would do harm: wherever it comes from. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { Maker } from "../../src/oci/growth.ts";
import { INDEX, LAYER, MANIFEST } from "../../src/oci/media-types.ts";
import { Memo } from "../../src/oci/memo.ts";
import { readBaseImage } from "../../src/oci/parent.ts";
import { rootOf } from "../../src/oci/root.ts";
import { parseImageName } from "../../src/oci/transport/names.ts";
import { openReader, type TransportTools } from "../../src/oci/transport/open.ts";
import { type ImageReader, relay } from "../../src/oci/transport/types.ts";
import { verifyImage } from "../../src/oci/verify.ts";
import { cacheConfig, project, runCli, tempDir, writeFiles } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { archive, directory, hardlink, symlink } from "../sources/tar-writer.ts";
import { assemble, newCas, signal, treeOf } from "./helpers.ts";
import {
  hostileDescriptions,
  hostileLayers,
  type ImageParts,
  makeImage,
  nested,
  strangeLayer,
  unpaddedLayer,
  writeLayout,
} from "./hostile-images.ts";
import { digestOf, LayoutMaker, layer } from "./image-parts.ts";
import { serveRegistry } from "./registry-server.ts";

const linux = { architecture: "amd64", os: "linux" };
const registry = { credentials: async () => undefined, signal };
const tools: TransportTools = { signal, temporaryDirectory: tempDir("tmp"), pull: registry, push: registry };

const all: readonly (readonly [string, ImageParts, RegExp])[] = [
  ...hostileLayers.map(([name, layer, message]) => [name, { layer }, message] as const),
  ...hostileDescriptions,
];

const file = (name: string) => ({ name, content: "" });

/** An image on a parent, with a file of its own. */
function onParent(cas: Cas, layout: Digest, options: { memo?: Memo; maker?: Maker; mode?: string } = {}) {
  const { memo = new Memo(tempDir("memo")), maker, mode = "oci" } = options;
  const config = { mode, images: [{ ...linux, parent: { element: "base.bst" }, add: ["app.bst"] }] };
  const input = { tree: treeOf(cas, { "srv/app": "x" }), parent: { layout, name: "base.bst", maker } };
  return assemble(cas, config, [input], { memo });
}

function layoutOf(cas: Cas, parts: ImageParts): Digest {
  const folder = tempDir("layout");
  writeLayout(folder, parts);
  return importLocal(cas, folder);
}

/** Docker's own form, of an image that is right but for its layer. */
function dockerFiles(layer: Buffer, diffIds: readonly string[] = [digestOf(layer)]): Record<string, Buffer | string> {
  return {
    "config.json": JSON.stringify({ ...linux, rootfs: { type: "layers", diff_ids: diffIds } }),
    "a/layer.tar": layer,
    "manifest.json": JSON.stringify([{ Config: "config.json", RepoTags: null, Layers: ["a/layer.tar"] }]),
  };
}

test.each<[string, ImageParts, object[]]>([
  ["no history", { history: "null" }, [{}]],
  [
    "a history without its layer",
    { history: '[{"comment":"a","empty_layer":true}]' },
    [{ comment: "a", empty_layer: true }, {}],
  ],
])("an image on one with %s tells of as many layers as it has", async (_, parts, steps) => {
  const cas = newCas();
  const { layout } = await onParent(cas, layoutOf(cas, parts));
  expect(readBaseImage(cas, layout, 0, "on.bst").history).toEqual([...steps, {}]);
});

test("the configuration of an image in Docker's form is what its name says", async () => {
  const name = `${"0".repeat(64)}.json`;
  const cas = newCas();
  const tree = new Tree(cas);
  tree.addFile(name, cas.write("{}"), { executable: false });
  tree.addFile("manifest.json", cas.write(JSON.stringify([{ Config: name, Layers: [] }])), { executable: false });
  expect(() => readBaseImage(cas, tree.digest(), 0, "x")).toThrow("is damaged");
});

describe("a parent", () => {
  test.each(all)("with %s is refused", async (_, parts, message) => {
    const cas = newCas();
    const layout = layoutOf(cas, parts);
    for (const maker of ["scripts", "others"] as const) {
      const attempt = onParent(cas, layout, { maker });
      // What elements made may have links to anywhere.
      if (maker === "scripts" && message.source.startsWith("'a\\/x' links to '")) {
        await attempt;
        continue;
      }
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toMatchObject({ name: "BstError", message: expect.stringContaining("base.bst") });
    }
  });

  test.each(hostileLayers)("in Docker's form with %s is refused", async (_, layer, message) => {
    for (const mode of ["oci", "docker"]) {
      const cas = newCas();
      const folder = tempDir("docker");
      writeFiles(folder, dockerFiles(layer));
      const attempt = onParent(cas, importLocal(cas, folder), { mode });
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toThrow(`The layer ${digestOf(layer)} of base.bst`);
    }
  });

  test("in Docker's form can have compressed layers, which stay so", async () => {
    const cas = newCas();
    const folder = tempDir("docker");
    writeFiles(folder, dockerFiles(gzipSync(layer), [digestOf(layer)]));
    const { json } = await onParent(cas, importLocal(cas, folder));
    const [image] = json<{ Layers: string[] }[]>("manifest.json");
    expect(image?.Layers[0]).toBe(`blobs/sha256/${digestOf(gzipSync(layer)).slice(7)}`);
    const index = json<{ manifests: { digest: string }[] }>("index.json");
    const manifest = json<{ layers: object[] }>(`blobs/sha256/${index.manifests[0]?.digest.slice(7)}`);
    expect(manifest.layers[0]).toMatchObject({ mediaType: expect.stringMatching(/gzip$/) });
  });

  test.each(["../../config.json", "/etc/passwd", "link.json", "no.json", "a/../../config.json"])(
    "in Docker's form whose configuration is %s is refused",
    async (path) => {
      const cas = newCas();
      const folder = tempDir("docker");
      writeFiles(folder, dockerFiles(layer));
      symlinkSync("/etc/passwd", join(folder, "link.json"));
      const list = [{ Config: path, RepoTags: null, Layers: ["a/layer.tar"] }];
      writeFiles(folder, { "manifest.json": JSON.stringify(list) });
      await expect(onParent(cas, importLocal(cas, folder))).rejects.toThrow(`base.bst has no file ${path}`);
    },
  );

  test("whose blob is a link to elsewhere is refused", async () => {
    const cas = newCas();
    const folder = tempDir("layout");
    writeLayout(folder);
    const blobs = join(folder, "blobs/sha256");
    for (const name of readdirSync(blobs)) {
      rmSync(join(blobs, name));
      symlinkSync("/etc/passwd", join(blobs, name));
    }
    await expect(onParent(cas, importLocal(cas, folder))).rejects.toThrow(/has no file blobs/);
  });

  test("that is for another platform than its index says is refused", async () => {
    const cas = newCas();
    const layout = layoutOf(cas, { entry: { platform: { os: "linux", architecture: "arm64" } } });
    await expect(onParent(cas, layout)).rejects.toThrow("is for linux/amd64, and its index says linux/arm64");
  });

  test("whose index is too large is refused", async () => {
    const cas = newCas();
    const layout = layoutOf(cas, { entry: { annotations: { a: "x".repeat(5 << 20) } } });
    await expect(onParent(cas, layout)).rejects.toThrow("index.json of base.bst is too large");
  });

  test("can have layers that others do not pass on, where they are there", async () => {
    const cas = newCas();
    const layerType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    await onParent(cas, layoutOf(cas, { layerType }));
    const elsewhere = layoutOf(cas, { layerType, said: { urls: ["http://x"] } });
    await expect(onParent(cas, elsewhere)).rejects.toThrow(/is not in base\.bst: it is had elsewhere/);
  });

  test("that is nested deeply anywhere is refused", async () => {
    const cas = newCas();
    for (const file of ["index.json", "manifest.json"]) {
      const layout = treeOf(cas, { [file]: `[${nested(100_000)}]` });
      await expect(onParent(cas, layout)).rejects.toThrow("nested more than 64 deep");
    }
  });

  test("is looked at once, and again where something else is said of it", async () => {
    const cas = newCas();
    const memo = new Memo(tempDir("memo"));
    const climbing = archive([symlink("a/x", "../../etc")]);
    const layout = layoutOf(cas, { layer: climbing });
    await onParent(cas, layout, { memo, maker: "scripts" });
    // Not damaged for those who need not look.
    writeFileSync(cas.objectPath({ hash: digestOf(gzipSync(climbing)).slice(7), size: 0 }), "");
    await onParent(cas, layout, { memo, maker: "scripts" });
    await expect(onParent(cas, layout, { memo })).rejects.toThrow("damaged");
    const good = layoutOf(cas, {});
    await onParent(cas, good, { memo });
    await expect(onParent(cas, layoutOf(cas, { diffIds: [digestOf(climbing)] }), { memo })).rejects.toThrow("diff_id");
  });

  test("can be strange: the last of two counts, devices stay in their layer, and nothing leads outside", async () => {
    const cas = newCas();
    const layout = layoutOf(cas, { layer: strangeLayer });
    await onParent(cas, layout);
    const { tree } = await rootOf(cas, readBaseImage(cas, layout, 0, "x").layers, new Memo(tempDir("memo")), {
      place: "here",
      signal,
    });
    const files = new Tree(cas, tree);
    expect([...files.paths()]).toEqual([
      ...["absolute", "absolute-link", "linked", "changes", "changes/inside", "dev", "twice", "twice/file"],
    ]);
    for (const path of ["twice/file", "linked"]) {
      const node = files.lookup(path);
      expect(node?.kind === "file" && node.digest.hash, path).toBe(digestOf(Buffer.from("second")).slice(7));
    }
  });
});

/** The image of a layout under other names: an archive of it, and one of Docker's. */
function placesOf(folder: string, parts: ImageParts): string[] {
  const dir = tempDir("places");
  writeLayout(folder, parts);
  spawnSync("tar", ["cf", `${dir}/oci.tar`, "-C", folder, "."]);
  const places = [`oci:${folder}`, `oci-archive:${dir}/oci.tar`];
  if (parts.layer === undefined) return places;
  writeFiles(`${dir}/docker`, dockerFiles(parts.layer));
  spawnSync("tar", ["cf", `${dir}/docker.tar`, "-C", `${dir}/docker`, "."]);
  return [...places, `docker-archive:${dir}/docker.tar`];
}

async function reader(place: string) {
  const name = parseImageName(place);
  if (name.kind === "element") throw new Error("no element was meant");
  return openReader(name, tools);
}

/** What `image verify` says of it. */
async function complaints(place: string): Promise<string> {
  try {
    await using image = await reader(place);
    const { problems } = await verifyImage(image, { select: "all", signal });
    return problems.map(({ message }) => message).join("\n");
  } catch (error) {
    if (error instanceof BstError) return error.message;
    throw error;
  }
}

describe("verify", () => {
  test.each(all)("finds %s, wherever the image is", async (_, parts, message) => {
    for (const place of placesOf(tempDir("layout"), parts)) expect(await complaints(place), place).toMatch(message);
    const registry = await serveRegistry();
    const manifest = makeImage((bytes) => registry.addBlob("x", bytes), parts);
    registry.addManifest("x", "1", manifest, MANIFEST);
    expect(await complaints(`docker://${registry.host}/x:1`)).toMatch(message);
  });

  test.each([
    ["strange", strangeLayer],
    ["not padded", unpaddedLayer],
  ])("finds nothing in what is %s", async (_, layer) => {
    for (const place of placesOf(tempDir("layout"), { layer })) expect(await complaints(place)).toBe("");
    const cas = newCas();
    await onParent(cas, layoutOf(cas, { layer }));
  });

  test.each([
    ["nothing", [hardlink("x", "none")]],
    ["a folder", [directory("none"), hardlink("x", "none")]],
    ["itself", [hardlink("none", "none")]],
    ["what comes later", [hardlink("x", "none"), { name: "none", content: "" }]],
  ])("finds a hard link to %s", async (_, members) => {
    const folder = tempDir("layout");
    writeLayout(folder, { layer: archive(members) });
    expect(await complaints(`oci:${folder}`)).toMatch(/links to 'none', which is not in the image/);
  });

  test.each([
    ["hides", [file("etc/.wh.os")]],
    ["hides with its folder", [file(".wh.etc")]],
    ["hides with all of its folder", [file("etc/.wh..wh..opq")]],
    ["replaces by a folder", [directory("etc/os")]],
    ["replaces with its folder", [file("etc")]],
  ])("finds a hard link to what its layer %s, as the build does", async (_, members) => {
    const made = new LayoutMaker();
    made.add(made.image({ layers: [layer, archive([...members, hardlink("x", "etc/os")])] }));
    const message = /'x' links to 'etc\/os', which is not in the image/;
    expect(await complaints(`oci:${made.folder}`)).toMatch(message);
    const cas = newCas();
    await expect(onParent(cas, importLocal(cas, made.folder))).rejects.toThrow(message);
  });

  test("knows what hard links name in the layers below, and says what it did not look at", async () => {
    const made = new LayoutMaker();
    const layers = [layer, archive([hardlink("x", "etc/os")])];
    made.add(made.image({ layers }));
    await using image = await reader(`oci:${made.folder}`);
    expect(await verifyImage(image, { select: "all", signal })).toMatchObject({ problems: [], foreign: [] });
    const said = {
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      urls: ["https://x.example"],
    };
    const folder = tempDir("layout");
    writeLayout(folder, { said });
    await using elsewhere = await reader(`oci:${folder}`);
    const { foreign } = await verifyImage(elsewhere, { select: "all", signal });
    expect(foreign).toEqual([expect.stringMatching(/^sha256:/)]);
  });

  test("reads a layer once that an image names often", async () => {
    const made = new LayoutMaker();
    made.add(made.image({ layers: Array(300).fill(layer), config: { history: undefined } }));
    await using image = await reader(`oci:${made.folder}`);
    const read: string[] = [];
    const watched: ImageReader = {
      ...relay(image),
      blob: (descriptor) => {
        read.push(descriptor.digest);
        return image.blob(descriptor);
      },
    };
    expect((await verifyImage(watched, { select: "all", signal })).problems).toEqual([]);
    expect(read).toEqual([expect.any(String), digestOf(gzipSync(layer))]);
  });

  test("takes what docker's builder says of images for what it is, and nothing else in its place", async () => {
    const statement = {
      platform: { os: "unknown", architecture: "unknown" },
      entry: { annotations: { "vnd.docker.reference.type": "attestation-manifest" } },
    };
    const of = (layer: Buffer, layerType: string) => {
      const made = new LayoutMaker();
      const config = { history: undefined };
      const said = made.image({ ...statement, config, layers: [layer], compress: (plain) => plain, layerType });
      return complaints(`oci:${made.add(made.index([made.image(), said])).folder}`);
    };
    expect(await of(Buffer.from("{}"), "application/vnd.in-toto+json")).toBe("");
    const evil = archive([file("../evil")]);
    expect(await of(evil, LAYER)).toMatch("'../evil' points outside");
  });

  test("finds indexes of indexes without end", async () => {
    const made = new LayoutMaker();
    let root = made.index([made.image()]);
    for (let depth = 0; depth < 6; depth++) root = made.index([root]);
    made.add(root);
    expect(await complaints(`oci:${made.folder}`)).toMatch("has indexes of indexes without end");
  });

  test("finds an index that is in itself, as far as that can be", async () => {
    const registry = await serveRegistry();
    // Its digest would have to be known before it is.
    const index = (digest: string, size: number) => ({
      schemaVersion: 2,
      manifests: [{ mediaType: INDEX, digest, size }],
    });
    const { digest, size } = registry.addManifest("x", "1", index(digestOf(layer), 1), INDEX);
    const inside = registry.addManifest("x", "2", index(digest, size), INDEX);
    registry.manifests
      .get("x")
      ?.set(digest, { type: INDEX, bytes: Buffer.from(JSON.stringify(index(inside.digest, inside.size))) });
    expect(await complaints(`docker://${registry.host}/x:2`)).toMatch(/another digest than|another manifest than/);
  });

  test("finds manifests that are too large together", async () => {
    const registry = await serveRegistry();
    const entries = Array.from({ length: 100 }, (_, i) => ({
      mediaType: MANIFEST,
      digest: digestOf(Buffer.from([i])),
      size: 4 << 20,
    }));
    registry.addManifest("x", "1", { schemaVersion: 2, mediaType: INDEX, manifests: entries }, INDEX);
    const big: ImageReader = {
      ...relay(await reader(`docker://${registry.host}/x:1`)),
      manifest: async (descriptor) => ({ descriptor, bytes: Buffer.alloc(0) }),
    };
    await expect(verifyImage(big, { select: "all", signal })).rejects.toThrow("bytes");
  });
});

describe("a build", () => {
  let cwd: string;
  const onBase = (base: string) =>
    `kind: oci\nbuild-depends: [${base}, app.bst]\nconfig:\n  images:\n  - {architecture: amd64, os: linux, parent: {element: ${base}}, add: [app.bst]}\n`;
  const script = `kind: script
build-depends: [root.bst, app.bst, {filename: local.bst, config: {location: /parent}}]
config:
  build-oci: True
  commands:
  - |
    cd "%{install-root}"
    build-oci <<EOF
    images: [{architecture: amd64, os: linux, parent: {image: /parent}, layer: /srv}]
    EOF
`;
  const layers = { good: layer, bad: archive([symlink("x", "/etc"), { name: "x/passwd", content: "" }]) };

  beforeAll(() => {
    cwd = project({
      "app.bst": "kind: import\nsources: [{kind: local, path: app}]\n",
      "app/srv/app": "x",
      "root.bst": "kind: import\nsources: [{kind: local, path: root}]\n",
      "local.bst": "kind: import\nsources: [{kind: local, path: layout}]\n",
      "composed.bst": "kind: compose\nbuild-depends: [local.bst]\n",
      "on-local.bst": onBase("local.bst"),
      "on-composed.bst": onBase("composed.bst"),
      "on-tar.bst": onBase("tar.bst"),
      "by-script.bst": script,
    });
    writeRoot(join(cwd, "root"));
  });
  const elements = ["on-local.bst", "on-composed.bst", "on-tar.bst", "by-script.bst"];

  function writeParent(layer: Buffer): void {
    rmSync(join(cwd, "layout"), { recursive: true, force: true });
    writeLayout(join(cwd, "layout"), { layer });
    spawnSync("tar", ["cf", join(cwd, "image.tar"), "-C", cwd, "layout"]);
    const ref = digestOf(readFileSync(join(cwd, "image.tar"))).slice(7);
    const source = `kind: tar, url: 'file://${cwd}/image.tar', ref: ${ref}`;
    writeFileSync(join(cwd, "tar.bst"), `kind: import\nsources: [{${source}}]\n`);
  }

  test("takes no hostile parent out of any source", async () => {
    writeParent(layers.good);
    const config = cacheConfig();
    const good = await runCli(["build", ...elements], { cwd, config });
    expect(good.code, good.stderr).toBe(0);
    writeParent(layers.bad);
    const other = cacheConfig();
    for (const element of elements) {
      const { code, stderr } = await runCli(["build", element], { cwd, config: other });
      expect(code, element).not.toBe(0);
      expect(stderr).toMatch(
        /The layer sha256:\w+ of \S+ can't be used: 'x\/passwd' is written through the symbolic link/,
      );
      expect(stderr).not.toContain("BUG");
    }
  });
});
