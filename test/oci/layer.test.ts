import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Memo } from "../../src/oci/memo.ts";
import { rootOf } from "../../src/oci/root.ts";
import { tempDir } from "../helpers.ts";
import { type Content, gzip, layerOf, newCas, plain, signal, treeOf } from "./helpers.ts";
import { applyLayer, filesOf, readArchive } from "./untar.ts";

async function names(before: Record<string, Content>, after: Record<string, Content>): Promise<string[]> {
  const cas = newCas();
  const layer = await layerOf(cas, treeOf(cas, after), treeOf(cas, before), plain);
  return layer === undefined ? [] : (await readArchive(cas, layer.digest)).map(({ header }) => header.name);
}

describe("layers", () => {
  test("hold a whole tree, sorted, with nothing in it but what the tree says", async () => {
    const cas = newCas();
    const tree = treeOf(cas, { "b/run": { executable: "x" }, "b/link": { symlink: "run" }, a: "1", "empty/": "" });
    const layer = await layerOf(cas, tree, undefined, { ...plain, mtime: 1_320_937_200 });
    const entries = await readArchive(cas, layer?.digest ?? { hash: "", size: 0 });
    expect(entries.map(({ header }) => [header.name, header.type, header.mode])).toEqual([
      ["a", "file", 0o644],
      ["b/", "directory", 0o755],
      ["b/link", "symlink", 0o777],
      ["b/run", "file", 0o755],
      ["empty/", "directory", 0o755],
    ]);
    for (const { header } of entries) {
      expect(header).toMatchObject({ uid: 0, gid: 0, uname: "", gname: "" });
      expect(header.mtime?.getTime()).toBe(1_320_937_200_000);
    }
    expect(layer?.diffId).toBe(`sha256:${layer?.digest.hash}`);
  });

  test("tell what differs, and all folders above that", async () => {
    const base = { "etc/a": "1", "etc/b": "1", "usr/lib/x": "1", "usr/share/y": "1" };
    expect(await names(base, base)).toEqual([]);
    expect(await names(base, { ...base, "usr/lib/x": "2" })).toEqual(["usr/", "usr/lib/", "usr/lib/x"]);
    expect(await names(base, { ...base, "etc/a": { executable: "1" } })).toEqual(["etc/", "etc/a"]);
    const { "etc/b": _, ...rest } = base;
    expect(await names(base, rest)).toEqual(["etc/", "etc/.wh.b"]);
  });

  test("hide a folder that is gone as a whole", async () => {
    expect(await names({ "a/b/c": "1", "a/b/d": "1", z: "1" }, { z: "1" })).toEqual([".wh.a"]);
    expect(await names({ "a/b": "1" }, { a: "1" })).toEqual(["a"]);
    expect(await names({ a: "1" }, { "a/b": "1" })).toEqual(["a/", "a/b"]);
    expect(await names({ "a/b/c": "1" }, { "a/b": { symlink: "x" } })).toEqual(["a/", "a/b"]);
  });

  test("hide all of a folder at once where nothing in it stays", async () => {
    const old = { "a/b": "1", "a/c": "1", "a/d/e": "1", z: "1" };
    expect(await names(old, { "a/x": "1", z: "1" })).toEqual(["a/", "a/.wh..wh..opq", "a/x"]);
    expect(await names(old, { "a/": "", z: "1" })).toEqual(["a/", "a/.wh..wh..opq"]);
    // Of files that are replaced nothing need be told.
    expect(await names(old, { "a/b": "2", "a/c": "2", "a/d/e": "2", z: "1" })).toEqual([
      "a/",
      "a/b",
      "a/c",
      "a/d/",
      "a/d/e",
    ]);
    expect(await names(old, { "a/b": "1", z: "1" })).toEqual(["a/", "a/.wh.c", "a/.wh.d"]);
    const nested = { "a/b/c/1": "1", "a/b/c/2": "1", "a/b/d": "1", z: "1" };
    expect(await names(nested, { "a/b/c/3": "1", z: "1" })).toEqual([
      "a/",
      "a/.wh..wh..opq",
      "a/b/",
      "a/b/c/",
      "a/b/c/3",
    ]);
  });

  test("can't have files that are named like whiteouts", async () => {
    await expect(names({}, { "a/.wh.b": "1" })).rejects.toMatchObject({ domain: "element" });
    expect(await names({ ".wh.a": "1" }, {})).toEqual([".wh..wh.a"]);
  });

  test.each([
    ["long path", `${"folder/".repeat(20)}file`],
    ["path that can't be divided", `${"n".repeat(150)}/${"m".repeat(150)}`],
    ["long folder", `${"f".repeat(120)}/x`],
    ["path of 100 characters", "p".repeat(100)],
    ["path of 101 characters", `${"p".repeat(50)}/${"q".repeat(50)}`],
    ["path beyond ASCII", "ź/ó\u{1f422}"],
  ])("keep a %s", async (_name, path) => {
    const cas = newCas();
    const tree = treeOf(cas, { [path]: "content", link: { symlink: `/${path}` } });
    const layer = await layerOf(cas, tree, undefined, plain);
    expect(await applyLayer(cas, new Map(), layer?.digest ?? tree)).toEqual(filesOf(cas, tree));
  });

  test("are compressed to the same bytes by any number of processors, and only then", async () => {
    const cas = newCas();
    const content = Array.from({ length: 300_000 }, (_, i) => `line ${(i * 7919) % 10_007}`).join("\n");
    const tree = treeOf(cas, { large: content, small: "x" });
    const [packed, bare] = [await layerOf(cas, tree, undefined, gzip), await layerOf(cas, tree, undefined, plain)];
    if (packed === undefined || bare === undefined) throw new Error("no layers");
    expect(packed.diffId).toBe(bare.diffId);
    expect(gunzipSync(cas.read(packed.digest)).equals(cas.read(bare.digest))).toBe(true);
    expect(packed.digest.size).toBeLessThan(bare.digest.size / 2);
    const again = newCas();
    const second = await layerOf(again, treeOf(again, { small: "x", large: content }), undefined, gzip);
    expect(second).toEqual(packed);
    expect(createHash("sha256").update(again.read(packed.digest)).digest("hex")).toBe(packed.digest.hash);
  });

  test("stop when they are told to", async () => {
    const cas = newCas();
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(layerOf(cas, treeOf(cas, { a: "1" }), undefined, gzip, stopped)).rejects.toThrow("stopped");
  });
});

describe("any layer on its parent", () => {
  const name = fc.constantFrom("a", "b", "c", "lib", "lib64", "ł");
  const content: fc.Arbitrary<Content> = fc.oneof(
    fc.constantFrom("", "1", "2"),
    fc.constant({ executable: "1" }),
    fc.constantFrom({ symlink: "a" }, { symlink: "../b" }),
  );
  /** Later paths that clash with earlier ones are left out. */
  const files = fc
    .array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), content), { maxLength: 12 })
    .map((items) => {
      const taken = new Map<string, Content>();
      for (const [components, value] of items) {
        const path = components.join("/");
        const clash = [...taken.keys()].some(
          (other) => `${other}/`.startsWith(`${path}/`) || path.startsWith(`${other}/`),
        );
        if (!clash) taken.set(path, value);
      }
      return Object.fromEntries(taken);
    });

  test("gives the tree, for another reader and for ours", async () => {
    const cas = newCas();
    let memos = 0;
    await fc.assert(
      fc.asyncProperty(files, files, fc.constantFrom(plain, gzip), async (before, after, format) => {
        const [parent, tree] = [treeOf(cas, before), treeOf(cas, after)];
        const base = await layerOf(cas, parent, undefined, plain);
        const layer = await layerOf(cas, tree, parent, format);
        let below = new Map<string, string>();
        if (base !== undefined) below = await applyLayer(cas, below, base.digest);
        expect(below).toEqual(filesOf(cas, parent));
        if (layer !== undefined) below = await applyLayer(cas, below, layer.digest);
        expect(below).toEqual(filesOf(cas, tree));
        const layers = [base, layer].filter((item) => item !== undefined);
        const check = { place: "here", signal, maker: "elements" } as const;
        expect(await rootOf(cas, layers, new Memo(`${tempDir("memo")}/${memos++}`), check)).toEqual({
          tree,
          attributes: new Map(),
        });
      }),
      { numRuns: 150 },
    );
  });
});
