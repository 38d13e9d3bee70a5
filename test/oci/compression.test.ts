import { execFileSync } from "node:child_process";
import { createReadStream, truncateSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { decompress } from "fzstd";
import { describe, expect, test } from "vitest";
import { DecompressError, decompressed, unzstdHere } from "../../src/base/decompress.ts";
import { digestOf } from "../../src/cas/digest.ts";
import { storeOnThread } from "../../src/cas/threaded-blob.ts";
import { ZSTD_PIECE, zstd } from "../../src/oci/zstd.ts";
import { tempDir } from "../helpers.ts";
import { layerOf, newCas, plain, signal, treeOf, zstd as zstdFormat } from "./helpers.ts";

const require = createRequire(import.meta.url);
const text = Buffer.from(Array.from({ length: 700_000 }, (_, i) => `line ${(i * 7919) % 10_007}`).join("\n"));
const pieces = [text.subarray(0, ZSTD_PIECE), text.subarray(ZSTD_PIECE), Buffer.from("end")];

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of stream) found.push(Buffer.from(piece));
  return Buffer.concat(found);
}

describe("zstd", () => {
  const wasm = require.resolve("@bokuweb/zstd-wasm");

  test("gives the same bytes by the library that is compiled and by the one that runs anywhere", async () => {
    // Not required: where it is missing, the other does it.
    const native = require.resolve("zstd-napi/binding");
    for (const level of [1, 3, 7, 12, 19]) {
      const sample = [pieces[1]?.subarray(0, 1 << 19) ?? Buffer.alloc(0), Buffer.from("end")];
      const [fast, slow] = [
        await all(zstd(each(sample), level, { native, wasm })),
        await all(zstd(each(sample), level, { native: undefined, wasm })),
      ];
      expect(fast.equals(slow), `level ${level}`).toBe(true);
    }
  });

  test("gives the same bytes each time, for small layers at once and one after the other", async () => {
    const small = Buffer.from("a small layer, a small layer".repeat(50));
    const some = () => all(zstd(each([small]), 3, { native: undefined, wasm }));
    const expected = await all(zstd(each([small]), 3));
    const found = [...(await Promise.all([some(), some(), some()])), await some(), await some()];
    for (const bytes of found) {
      expect(bytes.equals(expected)).toBe(true);
      expect(Buffer.from(decompress(bytes)).equals(small)).toBe(true);
    }
  });

  test("can be read by others, and by us with a program or without", async () => {
    const file = join(tempDir("zstd"), "file.zst");
    const bytes = await all(zstd(each(pieces), 3));
    expect(bytes.length).toBeLessThan(text.length / 3);
    writeFileSync(file, bytes);
    const expected = Buffer.concat(pieces);
    expect(Buffer.from(decompress(bytes)).equals(expected)).toBe(true);
    expect((await all(decompressed(file))).equals(expected)).toBe(true);
    expect((await all(unzstdHere(createReadStream(file)))).equals(expected)).toBe(true);
    expect(execFileSync("zstd", ["-dcq", file], { maxBuffer: 1 << 26 }).equals(expected)).toBe(true);
  });

  test("that was cut off is an error", async () => {
    const file = join(tempDir("zstd"), "file.zst");
    writeFileSync(file, await all(zstd(each(pieces), 3)));
    truncateSync(file, 100_000);
    await expect(all(decompressed(file))).rejects.toThrow(DecompressError);
    await expect(all(unzstdHere(createReadStream(file)))).rejects.toThrow(DecompressError);
  });
});

describe("a layer too large for one piece", () => {
  const files = { large: text.toString(), more: "x".repeat(9 << 20), last: "1" };

  test("is the same, compressed or not, written by this thread or another", async () => {
    const cas = newCas();
    const tree = treeOf(cas, files);
    const [bare, packed] = [
      await layerOf(cas, tree, undefined, plain),
      await layerOf(cas, tree, undefined, zstdFormat),
    ];
    if (bare === undefined || packed === undefined) throw new Error("no layer");
    expect(digestOf(cas.read(bare.digest))).toEqual(bare.digest);
    expect(packed.diffId).toBe(bare.diffId);
    expect(packed.mediaType).toBe("application/vnd.oci.image.layer.v1.tar+zstd");
    expect(Buffer.from(decompress(cas.read(packed.digest))).equals(cas.read(bare.digest))).toBe(true);
  });

  test("is not stored when the build is stopped", async () => {
    const cas = newCas();
    const stop = new AbortController();
    async function* stopping() {
      yield Buffer.from("1");
      stop.abort(new Error("stopped"));
      yield Buffer.from("2");
    }
    await expect(storeOnThread(cas, stopping(), stop.signal)).rejects.toThrow("stopped");
    expect(cas.has(digestOf("12"))).toBe(false);
    expect(await storeOnThread(cas, each([Buffer.from("12")]), signal)).toEqual(digestOf("12"));
  });
});
