/** Re-hashes all of an image, and compares what its parts say of each other. */
import { BstError } from "../base/errors.ts";
import { checkLayer } from "./check-layer.ts";
import { type CopyOptions, partsOf, watched } from "./copy.ts";
import { type Content, type Descriptor, digestText, verified, wholeOf } from "./descriptor.ts";
import { readImageConfig } from "./image-config.ts";
import { invalidImage } from "./json.ts";
import type { LayerPaths } from "./layer-paths.ts";
import {
  compressionOf,
  isAttestation,
  isForeign,
  isImageConfig,
  isIndex,
  MAX_CONFIG,
  manifestType,
  parse,
  readManifest,
} from "./manifest.ts";
import type { ImageReader } from "./transport/types.ts";

export interface Problem {
  /** Of what is wrong. */
  readonly digest: string;
  readonly message: string;
}

export interface Verification {
  readonly digest: string;
  /** Of manifests and indexes, the root first. */
  readonly digests: readonly string[];
  readonly blobs: number;
  /** Bytes that were hashed. */
  readonly bytes: number;
  /** Digests of layers that the image does not bring along, and that were not looked at. */
  readonly foreign: readonly string[];
  readonly problems: readonly Problem[];
}

type VerifyOptions = Pick<CopyOptions, "select" | "signal" | "onParts" | "onProgress">;

/** @throws BstError for an image that can't be read at all */
export async function verifyImage(
  unwatched: ImageReader,
  { select, signal, ...told }: VerifyOptions,
): Promise<Verification> {
  const parts = await partsOf(unwatched, select);
  told.onParts?.(parts);
  const reader = watched(unwatched, (progress) => told.onProgress?.(progress));
  const { root, manifests } = parts;
  const problems: Problem[] = [];
  const attempt = async (digest: string, step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
      problems.push({ digest, message: error.message });
    }
  };
  const all = [root, ...manifests];
  const checked = new Map<string, number>();
  const seen = new Set<string>();
  const foreign = new Set<string>();
  const paths = new Map<string, LayerPaths>();
  for (const content of all) {
    const { descriptor, bytes } = content;
    await attempt(descriptor.digest, () => {
      if (digestText(bytes) !== descriptor.digest) throw invalidImage(`Its digest is ${digestText(bytes)}`);
      manifestType(bytes, descriptor.mediaType, descriptor.digest);
    });
    if (isIndex(descriptor)) continue;
    await attempt(descriptor.digest, () =>
      verifyManifest(reader, content, attempt, { checked, seen, foreign, paths, signal }),
    );
  }
  const sizes = [...all.map(({ bytes }) => bytes.length), ...checked.values()];
  return {
    digest: root.descriptor.digest,
    digests: all.map(({ descriptor }) => descriptor.digest),
    blobs: checked.size,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    foreign: [...foreign],
    problems,
  };
}

interface Progress {
  /** Digests of blobs, and their bytes. */
  readonly checked: Map<string, number>;
  /** What was said of layers that were looked at. */
  readonly seen: Set<string>;
  readonly foreign: Set<string>;
  /** What is in layers, by their digests. */
  readonly paths: Map<string, LayerPaths>;
  readonly signal: AbortSignal;
}

async function verifyManifest(
  reader: ImageReader,
  content: Content,
  attempt: (digest: string, step: () => Promise<void> | void) => Promise<void>,
  { checked, seen, foreign, paths, signal }: Progress,
): Promise<void> {
  const { config, layers } = readManifest(content, reader.name);
  const said = { layers: layers.length, platform: content.descriptor.platform };
  // Of docker's builder: its parts are called layers, and are none.
  const isStatement = isAttestation(content.descriptor);
  let diffIds: readonly unknown[] | undefined;
  await attempt(config.digest, async () => {
    if (config.size > MAX_CONFIG) throw invalidImage(`The configuration is too large: ${config.size} bytes`);
    const bytes = await wholeOf(reader.blob(config), config, reader.name);
    if (isImageConfig(config))
      ({ diffIds } = readImageConfig(parse(bytes, `The configuration of ${reader.name}`), said, reader.name));
  });
  checked.set(config.digest, config.size);
  const place = reader.name;
  /** Undefined where not all is known that is there. */
  let below: readonly LayerPaths[] | undefined = [];
  for (const [i, layer] of layers.entries()) {
    // It may be named twice, also by another manifest; what is said of it there need not be the same.
    const told = diffIds === undefined ? layer.digest : `${layer.digest} ${layer.mediaType} ${diffIds[i]}`;
    if (isForeign(layer)) {
      foreign.add(layer.digest);
      below = undefined;
      continue;
    }
    if (!seen.has(told)) {
      seen.add(told);
      await attempt(layer.digest, async () => {
        const check = { place, signal, maker: reader.maker, ...(below && { below }) };
        const isNone = isStatement && compressionOf(layer) === undefined;
        if (diffIds === undefined || isNone) await drain(reader, layer, signal);
        else paths.set(layer.digest, await checkLayer(() => reader.blob(layer), layer, diffIds[i], check));
      });
    }
    const own = paths.get(layer.digest);
    below = own && below?.concat(own);
    checked.set(layer.digest, layer.size);
  }
}

/** Of what is no layer, or whose configuration can't be read. */
async function drain(reader: ImageReader, blob: Descriptor, signal: AbortSignal): Promise<void> {
  for await (const _ of verified(reader.blob(blob), blob, reader.name)) signal.throwIfAborted();
}
