/** Reads images that others are built on, from an OCI layout or from Docker's. */
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { type Content, type Descriptor, hexOf, readDescriptor } from "./descriptor.ts";
import type { History } from "./image.ts";
import { filledSteps, type ImageConfig, readImageConfig } from "./image-config.ts";
import { asArray, asObject, asString, invalidImage, type JsonObject, readJson } from "./json.ts";
import type { Layer } from "./layer.ts";
import {
  compressionOf,
  isForeign,
  isManifest,
  layerType,
  MAX_CONFIG,
  MAX_MANIFEST,
  manifestType,
  parse,
  readManifest,
} from "./manifest.ts";
import { LAYER, LAYER_GZIP, LAYER_ZSTD } from "./media-types.ts";

/** What the images on top of it need of an image. */
export interface BaseImage {
  readonly layers: readonly Layer[];
  readonly history: readonly History[];
}

const LAYERS = { none: LAYER, gzip: LAYER_GZIP, zstd: LAYER_ZSTD } as const;

/**
 * @param layout tree of the artifact that holds the image
 * @param name how messages call it
 * @param place where it is named
 * @throws BstError domain element, reason oci-invalid-image
 */
export function readBaseImage(cas: Cas, layout: Digest, index: number, name: string, place?: string): BaseImage {
  const files = new Tree(cas, layout);
  try {
    if (files.exists("index.json")) return readOci(cas, files, index, name);
    if (files.exists("manifest.json")) return readDocker(cas, files, index, name);
    throw invalidImage(`${name} holds no image: it has neither an index.json nor a manifest.json`);
  } catch (error) {
    if (place === undefined || !(error instanceof BstError)) throw error;
    const { domain, message, reason, detail } = error;
    throw new BstError(domain, `${place}: ${message}`, { reason, detail, cause: error });
  }
}

function readOci(cas: Cas, files: Tree, index: number, name: string): BaseImage {
  const content = (descriptor: Descriptor, most: number, what: string): Content => {
    if (descriptor.size > most) throw invalidImage(`${what} is too large: ${descriptor.size} bytes`);
    return { descriptor, bytes: cas.read(blobOf(files, descriptor, what)) };
  };
  const list = fileAt(files, "index.json", name);
  if (list.size > MAX_MANIFEST) throw invalidImage(`index.json of ${name} is too large: ${list.size} bytes`);
  const images = asArray(parse(cas.read(list), `index.json of ${name}`)["manifests"], `The list of images of ${name}`);
  const title = `Image ${index} of ${name}`;
  const entry = readDescriptor(pick(images, index, name), title);
  if (!isManifest(entry)) throw invalidImage(`${title} is of an unknown kind: ${entry.mediaType}`);
  const manifest = content(entry, MAX_MANIFEST, `The manifest of ${name}`);
  manifestType(manifest.bytes, entry.mediaType, `The manifest of ${name}`);
  const { config, layers } = readManifest(manifest, name);
  const configuration = content(config, MAX_CONFIG, `The configuration of ${name}`).bytes;
  const said = { layers: layers.length, platform: entry.platform };
  return baseImage(
    layers.map((layer) => {
      const compression = compressionOf(layer);
      if (isForeign(layer)) throw invalidImage(`The layer ${layer.digest} is not in ${name}: it is had elsewhere`);
      if (compression === undefined) throw invalidImage(`A layer of ${name} is of an unknown kind: ${layer.mediaType}`);
      return { mediaType: LAYERS[compression], digest: blobOf(files, layer, `A layer of ${name}`) };
    }),
    readImageConfig(parse(configuration, `The configuration of ${name}`), said, name),
    name,
  );
}

function readDocker(cas: Cas, files: Tree, index: number, name: string): BaseImage {
  const images = asArray(readJson(cas, fileAt(files, "manifest.json", name), name), `The list of images of ${name}`);
  const image = asObject(pick(images, index, name), `Image ${index} of ${name}`);
  const path = asString(image["Config"], `The configuration of ${name}`);
  const [, named] = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(path) ?? [];
  if (named !== undefined && fileAt(files, path, name).hash !== named) {
    throw invalidImage(`The configuration of ${name} is damaged: the digest of ${path} is another`);
  }
  const config = objectAt(cas, files, path, name);
  const layers = asArray(image["Layers"], `The list of layers of ${name}`).map((path) => {
    const digest = fileAt(files, asString(path, `A layer of ${name}`), name);
    return { mediaType: layerType(startOf(cas, digest)), digest };
  });
  return baseImage(layers, readImageConfig(config, { layers: layers.length }, name), name);
}

function startOf(cas: Cas, digest: Digest): Buffer {
  const file = fs.openSync(cas.objectPath(digest), "r");
  try {
    const start = Buffer.alloc(4);
    return start.subarray(0, fs.readSync(file, start));
  } finally {
    fs.closeSync(file);
  }
}

function baseImage(
  layers: readonly Omit<Layer, "diffId">[],
  { diffIds, history }: ImageConfig,
  name: string,
): BaseImage {
  const untold = layers.length - filledSteps(history).length;
  return {
    layers: layers.map((layer, i) => ({ ...layer, diffId: asString(diffIds[i], `A diff_id of ${name}`) })),
    // Entries that follow are for layers that follow.
    history: [...history, ...Array<History>(untold).fill({})],
  };
}

function pick(images: readonly unknown[], index: number, name: string): unknown {
  if (index >= 0 && index < images.length) return images[index];
  throw invalidImage(`${name} has no image ${index}: it holds ${images.length}, counted from 0`);
}

/** A descriptor's blob, which must have the size and digest that the descriptor says. */
function blobOf(files: Tree, { digest, size }: Descriptor, name: string): Digest {
  const hash = hexOf({ digest });
  const found = fileAt(files, `blobs/sha256/${hash}`, name);
  if (found.hash !== hash) throw invalidImage(`${name} is damaged: its digest is not ${hash}`);
  if (found.size !== size) throw invalidImage(`${name} has ${found.size} bytes, and its descriptor tells of ${size}`);
  return found;
}

function objectAt(cas: Cas, files: Tree, path: string, name: string): JsonObject {
  return asObject(readJson(cas, fileAt(files, path, name), `${path} of ${name}`), `${path} of ${name}`);
}

function fileAt(files: Tree, path: string, name: string): Digest {
  const isInside = !path.startsWith("/") && !path.split("/").includes("..");
  const node = isInside ? files.lookup(path) : undefined;
  if (node?.kind !== "file") throw invalidImage(`${name} has no file ${path}`);
  return node.digest;
}
