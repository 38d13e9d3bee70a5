/** Reads images that others are built on, from an OCI layout or from Docker's. */
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { hexOf, readDescriptor } from "./descriptor.ts";
import type { History } from "./image.ts";
import { asArray, asObject, asString, invalidImage, type JsonObject, readJson } from "./json.ts";
import type { Layer } from "./layer.ts";
import { diffIdsOf, filledSteps, historyIn, layerType, requireKnownSchema } from "./manifest.ts";
import { LAYER, LAYER_GZIP, LAYER_ZSTD } from "./media-types.ts";

/** What the images on top of it need of an image. */
export interface BaseImage {
  readonly layers: readonly Layer[];
  readonly history: readonly History[];
}

const MANIFESTS = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

/** Docker's names for the same bytes. */
const LAYERS = new Map([
  [LAYER, LAYER],
  [LAYER_GZIP, LAYER_GZIP],
  [LAYER_ZSTD, LAYER_ZSTD],
  ["application/vnd.docker.image.rootfs.diff.tar", LAYER],
  ["application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER_GZIP],
  ["application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_ZSTD],
]);

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
  const entries = asArray(objectAt(cas, files, "index.json", name)["manifests"], `The list of images of ${name}`);
  const entry = asObject(pick(entries, index, name), `Image ${index} of ${name}`);
  const mediaType = entry["mediaType"];
  if (typeof mediaType === "string" && !MANIFESTS.has(mediaType)) {
    throw invalidImage(`Image ${index} of ${name} is of an unknown kind: ${mediaType}`);
  }
  const blob = (descriptor: unknown, what: string) => blobOf(files, descriptor, `${what} of ${name}`);
  const manifest = asObject(readJson(cas, blob(entry, "The manifest"), name), `The manifest of ${name}`);
  requireKnownSchema(manifest, `The manifest of ${name}`);
  const config = asObject(readJson(cas, blob(manifest["config"], "The configuration"), name), name);
  const layers = asArray(manifest["layers"], `The list of layers of ${name}`).map((descriptor) => {
    const type = readDescriptor(descriptor, `A layer of ${name}`).mediaType;
    const mediaType = LAYERS.get(type);
    if (mediaType === undefined) throw invalidImage(`A layer of ${name} is of an unknown kind: ${type}`);
    return { mediaType, digest: blob(descriptor, "A layer") };
  });
  return baseImage(layers, config, name);
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
  return baseImage(layers, config, name);
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

function baseImage(layers: readonly Omit<Layer, "diffId">[], config: JsonObject, name: string): BaseImage {
  const ids = diffIdsOf(config, layers.length, name);
  const history = historyIn(config, name);
  const untold = layers.length - filledSteps(history).length;
  return {
    layers: layers.map((layer, i) => ({ ...layer, diffId: asString(ids[i], `A diff_id of ${name}`) })),
    // Entries that follow are for layers that follow.
    history: [...history, ...Array<History>(untold).fill({})],
  };
}

function pick(images: readonly unknown[], index: number, name: string): unknown {
  if (index >= 0 && index < images.length) return images[index];
  throw invalidImage(`${name} has no image ${index}: it holds ${images.length}, counted from 0`);
}

/** A descriptor's blob, which must have the size and digest that the descriptor says. */
function blobOf(files: Tree, descriptor: unknown, name: string): Digest {
  const { digest, size } = readDescriptor(descriptor, name);
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
