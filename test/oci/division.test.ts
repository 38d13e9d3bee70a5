import { describe, expect, test } from "vitest";
import type { Digest } from "../../src/cas/digest.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { type DividedElement, divide } from "../../src/oci/division.ts";
import { assemble, type Index, type Manifest, newCas } from "./helpers.ts";

interface Part extends DividedElement {
  /** Changes its content, and nothing else. */
  readonly version: number;
}

/** Sizes as packages have them: few large, many small. */
function packages(count: number): Part[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `element${i}.bst`,
    size: Math.round(2000 + 40_000 / (1 + ((i * 37) % count)) ** 0.5),
    changes: i % 10 === 0 ? "often" : i % 3 === 0 ? "rarely" : "sometimes",
    version: 0,
  }));
}

function treeOf(cas: Cas, parts: readonly Part[]): Digest {
  const tree = new Tree(cas);
  const folder = tree.makeDirectory("usr/lib");
  for (const { name, size, version } of parts) {
    const text = Buffer.alloc(size, `${name} ${version} `);
    folder.addFile(`lib${name}`, cas.write(text), { executable: false });
  }
  tree
    .makeDirectory("etc")
    .addFile("cache", cas.write(parts.map(({ version }) => version).join()), { executable: false });
  return tree.digest();
}

/** Sizes of an image's layers by digest. */
async function layersOf(cas: Cas, parts: readonly Part[], max: number | undefined): Promise<Map<string, number>> {
  const places = new Map(parts.map(({ name }, i) => [`usr/lib/lib${name}`, i]));
  const division = max === undefined ? undefined : divide(parts, max, (path) => places.get(path));
  const images = [{ architecture: "amd64", os: "linux", layer: ["all.bst"] }];
  const input = { tree: treeOf(cas, parts), division };
  const { json } = await assemble(cas, { compression: "none", images }, [input]);
  const blob = (digest = "") => `blobs/sha256/${digest.replace("sha256:", "")}`;
  const manifest = json<Manifest>(blob(json<Index>("index.json").manifests[0]?.digest));
  return new Map(manifest.layers.map(({ digest, size }) => [digest, size]));
}

const sum = (sizes: Iterable<number>) => [...sizes].reduce((total, size) => total + size, 0);

/** Which part of an image's bytes whoever has the old one must fetch. */
function fetched(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  return sum([...after].filter(([digest]) => !before.has(digest)).map(([, size]) => size)) / sum(after.values());
}

describe("the layers of an image of 200 elements", () => {
  const elements = packages(200);

  test("are fetched anew in small part when one element changes, where one layer is fetched as a whole", async () => {
    const cas = newCas();
    const [before, single] = [await layersOf(cas, elements, 80), await layersOf(cas, elements, undefined)];
    expect(before.size).toBeLessThanOrEqual(80);
    expect(before.size).toBeGreaterThan(60);
    const parts: number[] = [];
    for (let i = 0; i < elements.length; i += 7) {
      const changed = elements.map((element, j) => (j === i ? { ...element, version: 1 } : element));
      const after = await layersOf(cas, changed, 80);
      // Its own, and the one with what is made of all.
      expect([...after.keys()].filter((digest) => !before.has(digest))).toHaveLength(2);
      parts.push(fetched(before, after));
      if (i === 0) expect(fetched(single, await layersOf(cas, changed, undefined))).toBe(1);
    }
    expect(Math.max(...parts)).toBeLessThan(0.05);
  });

  test("stay what they are when one grows, comes or goes, but for few", async () => {
    const cas = newCas();
    const before = await layersOf(cas, elements, 40);
    const kept = async (changed: readonly Part[]) => {
      const after = await layersOf(cas, changed, 40);
      return [...after.keys()].filter((digest) => before.has(digest)).length;
    };
    for (const i of [0, 3, 50, 111]) {
      const grown = elements.map((element, j) =>
        j === i ? { ...element, size: element.size * 3, version: 1 } : element,
      );
      expect(await kept(grown)).toBeGreaterThanOrEqual(before.size - 5);
      expect(await kept(elements.filter((_, j) => j !== i))).toBeGreaterThanOrEqual(before.size - 5);
    }
    const added: Part = { name: "new.bst", size: 2000, changes: "sometimes", version: 0 };
    expect(await kept([...elements, added])).toBeGreaterThanOrEqual(before.size - 2);
  });

  test("do not depend on the order of elements, and are no more than there may be", async () => {
    const cas = newCas();
    const names = async (parts: readonly Part[], max: number) => [...(await layersOf(cas, parts, max)).keys()];
    expect((await names(elements.toReversed(), 12)).length).toBe((await names(elements, 12)).length);
    for (const max of [2, 3, 4, 5, 9, 127]) {
      const layers = await names(elements, max);
      expect(layers.length).toBeLessThanOrEqual(max);
      expect(layers.length).toBeGreaterThan(1);
    }
    const [first, second] = [elements.slice(0, 20), elements.slice(0, 20).toReversed()].map((parts) => {
      const { parts: about, partOf } = divide(parts, 8, (path) => parts.findIndex(({ name }) => name === path));
      return [about, parts.map(({ name }) => [name, partOf(name)]).sort()];
    });
    expect(first).toEqual(second);
  });
});
