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

/** Numbers from 0 to 1 that are the same each time. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return (Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0) / 2 ** 32;
  };
}

/**
 * Elements whose sizes are as those of packages: their logarithms are normally distributed.
 * @param skew standard deviation of these
 */
function packages(count: number, { seed = 1, skew = 0.7, median = 2000 } = {}): Part[] {
  const random = randoms(seed);
  return Array.from({ length: count }, (_, i) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const size = Math.round(median * Math.exp(skew * normal)) + 1;
    return { name: `element${i}.bst`, size, changes: "sometimes", isBase: false, version: 0 };
  });
}

/** The same elements as some projects have them: of each kind. */
function declared(parts: readonly Part[]): Part[] {
  return parts.map((part, i) => ({
    ...part,
    changes: i % 10 === 0 ? "often" : i % 3 === 0 ? "rarely" : "sometimes",
    isBase: i % 7 === 0,
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

/** Where among them one of some name is. */
function elementsBy(parts: readonly Part[]): (name: string) => number | undefined {
  const places = new Map(parts.map(({ name }, i) => [name, i]));
  return (name) => places.get(name);
}

/** Sizes of an image's layers by digest. */
async function layersOf(cas: Cas, parts: readonly Part[], max: number | undefined): Promise<Map<string, number>> {
  const elementOf = elementsBy(parts);
  const division =
    max === undefined ? undefined : divide(parts, max, (path) => elementOf(path.slice("usr/lib/lib".length)));
  const images = [{ architecture: "amd64", os: "linux", layer: ["all.bst"] }];
  const input = { tree: treeOf(cas, parts), ...(division && { divide: () => division }) };
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

/** The elements in each layer. */
function layersBy(parts: readonly Part[], max: number): Part[][] {
  const { partOf } = divide(parts, max, elementsBy(parts));
  const layers: Part[][] = [];
  for (const part of parts) {
    const place = partOf(part.name);
    layers[place] ??= [];
    layers[place].push(part);
  }
  return layers.filter((layer) => layer !== undefined);
}

const bytes = (parts: readonly Part[]) => sum(parts.map(({ size }) => size));

/** What is fetched of an image when one of its elements changes: which part of its bytes, for each of them. */
function costs(parts: readonly Part[], max: number): number[] {
  return layersBy(parts, max).flatMap((layer) => layer.map(() => bytes(layer) / bytes(parts)));
}

function figures(parts: readonly Part[], max: number): { worst: number; mean: number; median: number } {
  const all = costs(parts, max).sort((a, b) => a - b);
  return { worst: Math.max(...all), mean: sum(all) / all.length, median: all[all.length >> 1] ?? 0 };
}

describe("the layers of an image of 200 elements", () => {
  test("are fetched anew in small part when one element changes, where one layer is fetched as a whole", async () => {
    const cas = newCas();
    const elements = packages(200);
    const max = 31;
    const [before, single] = [await layersOf(cas, elements, max), await layersOf(cas, elements, undefined)];
    expect(before.size).toBe(max);
    const parts: number[] = [];
    for (let i = 0; i < elements.length; i += 6) {
      const changed = elements.map((element, j) => (j === i ? { ...element, version: 1 } : element));
      const after = await layersOf(cas, changed, max);
      // Its own, and the one with what is made of all.
      expect([...after.keys()].filter((digest) => !before.has(digest))).toHaveLength(2);
      parts.push(fetched(before, after));
      if (i === 0) expect(fetched(single, await layersOf(cas, changed, undefined))).toBe(1);
    }
    expect(Math.max(...parts)).toBeLessThan(0.05);
    expect(sum(parts) / parts.length).toBeLessThan(0.04);
  });

  test.each([
    { max: 10, worst: 0.16, mean: 0.125 },
    { max: 20, worst: 0.079, mean: 0.057 },
    { max: 24, worst: 0.065, mean: 0.047 },
    { max: 31, worst: 0.05, mean: 0.036 },
    { max: 40, worst: 0.045, mean: 0.028 },
    { max: 60, worst: 0.045, mean: 0.0195 },
    { max: 80, worst: 0.045, mean: 0.0155 },
    { max: 120, worst: 0.045, mean: 0.0115 },
  ])("cost little where there are $max", ({ max, worst, mean }) => {
    for (let seed = 1; seed <= 20; seed++) {
      const elements = packages(200, { seed });
      if (Math.max(...elements.map(({ size }) => size)) > 0.045 * bytes(elements)) continue;
      const found = figures(elements, max);
      expect(found.worst).toBeLessThanOrEqual(worst);
      expect(found.mean).toBeLessThanOrEqual(mean);
    }
  });

  test("are seldom larger than the largest element, or one and a half of what is in one on average", () => {
    const all: boolean[] = [];
    for (const skew of [0, 0.5, 1, 1.5, 2.5]) {
      for (let seed = 1; seed <= 5; seed++) {
        const elements = packages(200, { seed, skew, median: 100_000 });
        const largest = Math.max(...elements.map(({ size }) => size)) / bytes(elements);
        for (const max of [6, 15, 31, 63, 127]) {
          const { worst, mean } = figures(elements, max);
          const bound = Math.max(largest, 1.5 / (max - 1));
          if (max <= 31) all.push(worst <= bound);
          expect(worst).toBeLessThanOrEqual(2 * bound);
          expect(mean).toBeLessThanOrEqual(1.25 * Math.max(largest, 1 / (max - 1)));
        }
      }
    }
    expect(all.filter((isWithin) => isWithin).length / all.length).toBeGreaterThan(0.95);
  });

  test("stay what they are when one grows, comes or goes, but for few", () => {
    for (const [elements, max] of [
      [packages(200), 20],
      [packages(200), 60],
      [declared(packages(200)), 40],
      [packages(200, { skew: 1.5 }), 40],
    ] as const) {
      const text = (layer: readonly Part[]) => layer.map(({ name, size }) => `${name} ${size}`).join();
      const before = new Set(layersBy(elements, max).map(text));
      /** How many layers are others, on average of the elements that something happens to. */
      const others = (change: (i: number) => readonly Part[]) => {
        const some = [...elements.keys()].filter((i) => i % 4 === 0);
        const counts = some.map((i) => layersBy(change(i), max).filter((layer) => !before.has(text(layer))).length);
        return sum(counts) / counts.length;
      };
      const resized = (by: number) => (i: number) =>
        elements.map((element, j) => (j === i ? { ...element, size: Math.round(element.size * by) + 1 } : element));
      expect(others(resized(1))).toBe(1);
      expect(others(resized(1.04))).toBeLessThan(1.7);
      expect(others(resized(2))).toBeLessThan(6);
      expect(others((i) => elements.filter((_, j) => j !== i))).toBeLessThan(6);
      const added = (i: number): Part => ({ ...(elements[i] as Part), name: `new${i}.bst` });
      expect(others((i) => [...elements, added(i)])).toBeLessThan(6);
    }
  });

  test("keep elements apart that change often, rarely, or others with them", () => {
    const elements = declared(packages(200));
    const kinds = (layer: readonly Part[]) =>
      new Set(layer.map(({ changes, isBase }) => (isBase && changes === "sometimes" ? "base" : changes)));
    const layers = layersBy(elements, 40);
    const order = layers.map((layer) => [...kinds(layer)].join());
    expect([...new Set(order)]).toEqual(["rarely", "base", "sometimes", "often"]);
    expect(order).toEqual([...order].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
    const average = (kind: "rarely" | "sometimes" | "often") => {
      const all = layers.filter((layer) => kinds(layer).has(kind)).map(bytes);
      return sum(all) / all.length;
    };
    expect(average("often")).toBeLessThan(0.7 * average("sometimes"));
    expect(average("rarely")).toBeGreaterThan(1.4 * average("sometimes"));
  });

  test("do not depend on the order of elements, and are no more than there may be", async () => {
    const cas = newCas();
    const elements = declared(packages(200));
    for (const max of [2, 3, 4, 5, 9, 127]) {
      const layers = await layersOf(cas, elements, max);
      expect(layers.size).toBeLessThanOrEqual(max);
      expect(layers.size).toBeGreaterThan(1);
    }
    const [first, second] = [elements.slice(0, 20), elements.slice(0, 20).toReversed()].map((parts) => {
      const { parts: about, partOf } = divide(parts, 8, elementsBy(parts));
      return [about, parts.map(({ name }) => [name, partOf(name)]).sort()];
    });
    expect(first).toEqual(second);
  });

  test("are the same forever", () => {
    const elements = declared(packages(30));
    const { parts } = divide(elements, 9, () => undefined);
    expect(parts).toMatchInlineSnapshot(`
      [
        "element12.bst, element15.bst, element18.bst and 6 more",
        "element14.bst, element28.bst, element7.bst",
        "element13.bst, element17.bst, element2.bst and 1 more",
        "element11.bst, element4.bst",
        "element16.bst, element29.bst",
        "element19.bst, element22.bst, element23.bst and 1 more",
        "element1.bst, element26.bst, element8.bst",
        "element0.bst, element10.bst, element20.bst",
        "What no element brings",
      ]
    `);
  });
});
