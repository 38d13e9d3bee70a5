/** Images that are kept here after they were fetched: what is there was looked at, and is whole. */
import fs from "node:fs";
import pLimit from "p-limit";
import { checkLayer } from "../oci/check-layer.ts";
import { type Content, type Descriptor, describeBytes, digestText, type Platform, wholeOf } from "../oci/descriptor.ts";
import { readImageConfig } from "../oci/image-config.ts";
import { invalidImage } from "../oci/json.ts";
import {
  isForeign,
  isIndex,
  MAX_CONFIG,
  manifestType,
  parse,
  readIndex,
  readManifest,
  requireImage,
} from "../oci/manifest.ts";
import { INDEX, MANIFEST } from "../oci/media-types.ts";
import { formatPlatform, isFor } from "../oci/platform.ts";
import type { BlobFolder } from "../oci/transport/blob-folder.ts";
import type { ImageReader } from "../oci/transport/types.ts";

export interface KeptImage {
  readonly manifest: Content;
  /** Its configuration and its layers. */
  readonly blobs: readonly Descriptor[];
}

const LAYERS_AT_A_TIME = 4;

/**
 * Fetches an image to a folder: layers first, and what names others after these. All of it is checked before.
 * @throws BstError; nothing that names what is wrong is there then
 */
export async function fetchImage(
  reader: ImageReader,
  manifest: Content,
  folder: BlobFolder,
  { platform, signal }: { readonly platform: Platform | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const { config, layers } = readManifest(manifest, reader.name);
  requireImage(config, manifest.descriptor.digest);
  if (config.size > MAX_CONFIG) throw invalidImage(`The configuration is too large: ${config.size} bytes`);
  const bytes = await wholeOf(reader.blob(config), config, reader.name);
  const configuration = parse(bytes, `The configuration of ${reader.name}`);
  const said = { layers: layers.length, platform: manifest.descriptor.platform };
  const { diffIds, platform: found } = readImageConfig(configuration, said, reader.name);
  if (platform !== undefined && !isFor(found, platform)) {
    throw invalidImage(`The image is for ${formatPlatform(found)}, not for ${formatPlatform(platform)}`);
  }
  const limit = pLimit({ concurrency: LAYERS_AT_A_TIME, rejectOnClear: true });
  const fetches = layers.map((layer, i) => limit(() => fetchLayer(reader, layer, diffIds[i], folder, signal)));
  try {
    await Promise.all(fetches);
  } finally {
    limit.clearQueue();
    await Promise.allSettled(fetches);
  }
  await folder.put(config, bytes, reader.name);
  await folder.put(manifest.descriptor, manifest.bytes, reader.name);
}

/**
 * What is kept of the images under a digest; undefined where something is missing.
 * @param choose which of an index are meant
 */
export function keptImages(
  folder: BlobFolder,
  digest: string,
  choose: (images: readonly Descriptor[]) => readonly Descriptor[],
): readonly KeptImage[] | undefined {
  const root = readKept(folder, { digest });
  if (root === undefined) return undefined;
  const contents = isIndex(root.descriptor)
    ? choose(readIndex(root, "The image").manifests).map((entry) => readKept(folder, entry))
    : [root];
  const images: KeptImage[] = [];
  for (const manifest of contents) {
    if (manifest === undefined) return undefined;
    const { config, layers } = readManifest(manifest, "The image");
    const blobs = [config, ...layers];
    if (!blobs.every((blob) => folder.has(blob))) return undefined;
    images.push({ manifest, blobs });
  }
  return images;
}

/** Another image may have brought the layer, and said something else of it. */
async function fetchLayer(
  reader: ImageReader,
  layer: Descriptor,
  diffId: unknown,
  folder: BlobFolder,
  signal: AbortSignal,
): Promise<void> {
  if (isForeign(layer)) throw invalidImage(`The layer ${layer.digest} is not in the registry: it is had elsewhere`);
  const place = reader.name;
  const check = async (path: string) => {
    await checkLayer(() => fs.createReadStream(path), layer, diffId, { place, signal });
  };
  if (folder.has(layer)) await check(folder.path(layer));
  else await folder.take(layer, reader, check);
}

/** Undefined where it is not there, or not what its name says. */
function readKept(
  folder: BlobFolder,
  descriptor: Pick<Descriptor, "digest"> & Partial<Descriptor>,
): Content | undefined {
  const path = folder.path(descriptor);
  if (!fs.existsSync(path)) return undefined;
  const bytes = fs.readFileSync(path);
  if (digestText(bytes) !== descriptor.digest) return undefined;
  const { manifests } = parse(bytes, path);
  const type = manifestType(bytes, descriptor.mediaType ?? (manifests === undefined ? MANIFEST : INDEX), path);
  return { descriptor: { ...describeBytes(type, bytes), ...descriptor }, bytes };
}
