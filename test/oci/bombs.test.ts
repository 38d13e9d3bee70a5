/** What grows beyond all measure is noticed wherever it is decompressed. Here a measure of a megabyte is enough for that. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { importLocal } from "../../src/cas/import.ts";
import { copyImage } from "../../src/oci/copy.ts";
import { mostBytes } from "../../src/oci/growth.ts";
import { LAYER, LAYER_GZIP, LAYER_ZSTD } from "../../src/oci/media-types.ts";
import { folderFiles } from "../../src/oci/transport/files.ts";
import { LayoutReader } from "../../src/oci/transport/layout-reader.ts";
import { withArchive } from "../../src/oci/transport/open.ts";
import { tarFiles } from "../../src/oci/transport/tar-files.ts";
import { verifyImage } from "../../src/oci/verify.ts";
import { tempDir } from "../helpers.ts";
import { assemble, newCas, signal } from "./helpers.ts";
import { writeLayout } from "./hostile-images.ts";
import { layer } from "./image-parts.ts";

vi.mock(import("../../src/oci/growth.ts"), async (original) => {
  const actual = await original();
  return { ...actual, mostBytes: (size, limits) => actual.mostBytes(size, limits ?? { bytes: 1_000_000, ratio: 10 }) };
});

// The members come to an end, the bytes do not.
const bomb = Buffer.concat([layer, randomBytes(1000), Buffer.alloc(2_000_000)]);
const zstd = (plain: Buffer): Buffer => spawnSync("zstd", ["-qc"], { input: plain }).stdout;

test.each([
  ["gzip", gzipSync(bomb), LAYER_GZIP],
  ["zstd", zstd(bomb), LAYER_ZSTD],
] as const)(
  "a layer that %s made small is neither whole, nor a parent, nor written",
  async (_, compressed, layerType) => {
    const folder = tempDir("bomb");
    writeLayout(folder, { layer: bomb, compressed, layerType });
    const message = /The layer sha256:\w+ of \S+ can't be used: it has more than 1000000 bytes when decompressed/;
    const reader = new LayoutReader(folderFiles(folder), undefined);
    const { problems } = await verifyImage(reader, { select: "all", signal });
    expect(problems.map((problem) => problem.message)).toEqual([expect.stringMatching(message)]);
    for (const mode of ["oci", "docker"]) {
      const cas = newCas();
      const parent = { layout: importLocal(cas, folder), name: "base.bst" };
      const images = [{ architecture: "amd64", os: "linux", parent: { element: "base.bst" } }];
      await expect(assemble(cas, { mode, images }, [{ parent }])).rejects.toThrow(message);
    }
    const tar = join(tempDir("out"), "x.tar");
    const writing = withArchive(tar, "docker", [], signal, (writer) =>
      copyImage(reader, writer, { select: "all", signal }),
    );
    await expect(writing).rejects.toThrow(message);
    expect(existsSync(tar)).toBe(false);

    // Elements have files that are as large.
    const made = new LayoutReader({ ...folderFiles(folder), maker: "elements" }, undefined);
    expect((await verifyImage(made, { select: "all", signal })).problems).toEqual([]);
    const cas = newCas();
    const parent = { layout: importLocal(cas, folder), name: "base.bst", maker: "elements" as const };
    const image = { architecture: "amd64", os: "linux", parent: { element: "base.bst" } };
    await assemble(cas, { images: [image] }, [{ parent }]);
    await withArchive(tar, "docker", [], signal, (writer) => copyImage(made, writer, { select: "all", signal }));
    expect(statSync(tar).size).toBeGreaterThan(bomb.length);
  },
);

test.each([
  ["in its first frame", (wide: Buffer) => wide],
  ["in a later frame", (wide: Buffer) => Buffer.concat([zstd(layer.subarray(0, 512)), wide])],
])("a layer that takes gigabytes of memory to be decompressed, %s, is not whole", async (_, compress) => {
  const folder = tempDir("wide");
  const wide = spawnSync("zstd", ["-qc", "--ultra", "-22", "--long=31"], { input: layer }).stdout;
  writeLayout(folder, { compressed: compress(wide), layerType: LAYER_ZSTD });
  const { problems } = await verifyImage(new LayoutReader(folderFiles(folder), undefined), { select: "all", signal });
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/more than 134217728 bytes of memory/),
  ]);
});

test("an archive of images that was compressed is not unpacked", async () => {
  const dir = tempDir("archive");
  for (const compressed of [gzipSync(bomb), zstd(bomb)]) {
    writeFileSync(join(dir, "x"), compressed);
    await expect(tarFiles(join(dir, "x"), join(dir, "tmp"), signal)).rejects.toThrow("more than 1000000 bytes when");
    expect(readdirSync(join(dir, "tmp"))).toEqual([]);
  }
});

test("a layer that is as large as it says is none, nor one that is compressed a little", async () => {
  for (const [compressed, layerType] of [
    [bomb, LAYER],
    [gzipSync(bomb, { level: 0 }), LAYER_GZIP],
  ] as const) {
    const folder = tempDir("large");
    writeLayout(folder, { layer: bomb, compressed, layerType });
    const reader = new LayoutReader(folderFiles(folder), undefined);
    expect((await verifyImage(reader, { select: "all", signal })).problems).toEqual([]);
  }
  expect(mostBytes(1)).toBe(1_000_000);
});
