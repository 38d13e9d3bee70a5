/** Images whose JSON says anything at all: what is wrong with them is an error of its own, and never a bug. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { partsOf } from "../../src/oci/copy.ts";
import { inspectImage } from "../../src/oci/inspect.ts";
import { CONFIG, INDEX, LAYER, MANIFEST } from "../../src/oci/media-types.ts";
import { parsePlatform } from "../../src/oci/platform.ts";
import { DockerReader } from "../../src/oci/transport/docker-reader.ts";
import type { ImageFiles } from "../../src/oci/transport/files.ts";
import { LayoutReader } from "../../src/oci/transport/layout-reader.ts";
import type { ImageReader } from "../../src/oci/transport/types.ts";
import { verifyImage } from "../../src/oci/verify.ts";
import { digestOf, layer } from "./image-parts.ts";

type Json = fc.JsonValue;

/** Replaces, removes or adds what is at a path of keys, each taken by its number. */
interface Change {
  readonly target: number;
  readonly path: readonly number[];
  readonly value: Json | undefined;
}

const words = ["sha256:", digestOf(layer), MANIFEST, INDEX, CONFIG, LAYER, "../x", "", "linux"];
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<Json[]>(...words, null, -1, 1.5, 1e300, 0, [], {}, [null]),
  fc.constant(undefined),
);
const change = fc.record({ target: fc.nat(3), path: fc.array(fc.nat(8), { maxLength: 5 }), value });

function applied(json: Json, path: readonly number[], value: Json | undefined): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined || typeof json !== "object" || json === null) return value;
  const keys = Object.keys(json);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const copy: Record<string, Json | undefined> = { ...(json as Record<string, Json>) };
  const changed = applied((json as Record<string, Json>)[key] ?? null, rest, value);
  if (changed === undefined) delete copy[key];
  else copy[key] = changed;
  return (Array.isArray(json) ? Object.values(copy) : copy) as Json;
}

function memory(files: ReadonlyMap<string, Buffer>): ImageFiles {
  return {
    name: "memory",
    sizeOf: (path) => files.get(path)?.length,
    async *read(path) {
      yield files.get(path) ?? Buffer.alloc(0);
    },
    [Symbol.dispose]() {},
  };
}

/** An image with changes on each level, whose digests are right where nobody says otherwise. */
function build(changes: readonly Change[]): ImageFiles {
  const files = new Map<string, Buffer>();
  const change = (level: number, json: Json): Buffer => {
    const of = changes.filter(({ target }) => target === level);
    const changed = of.reduce<Json | undefined>((all, { path, value }) => applied(all ?? null, path, value), json);
    return Buffer.from(JSON.stringify(changed ?? null));
  };
  const put = (mediaType: string, bytes: Buffer) => {
    files.set(`blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.length };
  };
  const config = change(0, {
    architecture: "amd64",
    os: "linux",
    config: { Env: ["A=b"] },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    history: [{ created_by: "x" }],
  });
  const layers = [put(LAYER, layer)];
  const manifest = change(1, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: put(CONFIG, config),
    layers,
    annotations: { a: "b" },
  });
  const platform = { os: "linux", architecture: "amd64" };
  const index = change(2, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{ ...put(MANIFEST, manifest), platform, annotations: { a: "b" } }],
  });
  files.set("index.json", change(3, { schemaVersion: 2, manifests: [put(INDEX, index)], annotations: {} }));
  const docker = [
    {
      Config: `blobs/sha256/${digestOf(config).slice(7)}`,
      RepoTags: ["x:1"],
      Layers: [`blobs/sha256/${digestOf(layer).slice(7)}`],
    },
  ];
  files.set("manifest.json", change(3, docker));
  return memory(files);
}

test("are refused without a bug", async () => {
  const { signal } = new AbortController();
  let whole = 0;
  const attempt = async (step: () => Promise<unknown>) => {
    try {
      await step();
      whole++;
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 3 }), async (changes) => {
      const files = build(changes);
      const readers: ImageReader[] = [new LayoutReader(files, undefined), new DockerReader(files, undefined)];
      for (const reader of readers) {
        await attempt(() => partsOf(reader, parsePlatform("linux/amd64")));
        await attempt(() => inspectImage(reader, "all"));
        await attempt(() => verifyImage(reader, { select: "here", signal }));
        await attempt(() => reader.tags());
      }
    }),
    { numRuns: 400 },
  );
  expect(whole).toBeGreaterThan(100);
});
