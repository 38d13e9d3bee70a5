/** Copies an image, or an index of images, from anywhere to anywhere. */
import pLimit from "p-limit";
import { BstError } from "../base/errors.ts";
import { type Content, type Descriptor, digestText, type Platform, wholeOf } from "./descriptor.ts";
import { platformOf } from "./image-config.ts";
import { invalidImage } from "./json.ts";
import {
  isAttestation,
  isForeign,
  isImageConfig,
  isIndex,
  MAX_CONFIG,
  manifestType,
  parse,
  readIndex,
  readManifest,
} from "./manifest.ts";
import { choose, formatPlatform, hostPlatform, isFor } from "./platform.ts";
import { type ImageReader, type ImageWriter, type Outcome, relay } from "./transport/types.ts";

/** Bytes of a blob on their way. */
export interface CopyProgress {
  readonly descriptor: Descriptor;
  readonly done: number;
}

/**
 * What of an index: `all` of it, the image for a platform, or the one to use `here`: for this machine's platform, or the
 * only one.
 */
export type Selection = "all" | "here" | Platform;

export interface CopyOptions {
  readonly select: Selection;
  readonly signal: AbortSignal;
  /** Blobs on their way at a time; default 4. */
  readonly parallel?: number;
  onParts?(parts: Parts): void;
  onProgress?(progress: CopyProgress): void;
  onBlob?(descriptor: Descriptor, outcome: Outcome): void;
}

/** All that an image consists of. */
export interface Parts {
  readonly root: Content;
  /** Of the root, each below what names it, the root itself left out. */
  readonly manifests: readonly Content[];
  /** Configurations and layers, each once. */
  readonly blobs: readonly Descriptor[];
}

const PARALLEL = 4;
/** Indexes of indexes of images. */
const MAX_DEPTH = 4;
/** Nothing that is an image has so many parts. */
const MAX_PARTS = 100_000;
/** Bytes of all manifests together, which are kept in memory. */
const MAX_MANIFESTS = 256 << 20;

/** @throws BstError; the writer has then named nothing */
export async function copyImage(reader: ImageReader, writer: ImageWriter, options: CopyOptions): Promise<Parts> {
  const { signal, onBlob } = options;
  const parts = await partsOf(reader, options.select);
  options.onParts?.(parts);
  const limit = pLimit(options.parallel ?? PARALLEL);
  let failure: unknown;
  const source = watched(reader, (progress) => {
    if (failure !== undefined) throw failure;
    options.onProgress?.(progress);
  });
  const puts = parts.blobs.map((descriptor) =>
    limit(async () => {
      signal.throwIfAborted();
      if (failure !== undefined) return;
      try {
        const outcome = await writer.putBlob(descriptor, source);
        onBlob?.(descriptor, outcome);
      } catch (error) {
        failure ??= error;
      }
    }),
  );
  // All of them, so that whoever cleans up afterwards is the last one.
  await Promise.all(puts);
  if (failure !== undefined) throw failure;
  for (const content of [...parts.manifests].reverse()) await writer.putManifest(content);
  signal.throwIfAborted();
  await writer.finish(parts.root);
  return parts;
}

/** @throws BstError */
export async function partsOf(reader: ImageReader, select: Selection): Promise<Parts> {
  let root = await reader.root();
  for (let depth = 0; select !== "all" && isIndex(root.descriptor); depth++) {
    if (depth === MAX_DEPTH) throw invalidImage(`${reader.name} has indexes of indexes without end`);
    const { manifests } = readIndex(root, reader.name);
    const isOnly = select === "here" && manifests.filter((entry) => !isAttestation(entry)).length === 1;
    const wanted = select === "here" ? hostPlatform() : select;
    const chosen = choose(manifests, isOnly ? undefined : wanted, reader.name);
    if (depth === 0) await requireMeant(reader, chosen, manifests);
    root = await readPart(reader, chosen);
  }
  if (typeof select === "object") {
    const platform = await platformOfImage(reader, root);
    // The error names what there is.
    if (!isFor(platform, select)) choose([{ ...root.descriptor, platform }], select, reader.name);
  }
  const manifests = new Map<string, Content>();
  const blobs = new Map<string, Descriptor>();
  let bytes = 0;
  const visit = async (content: Content, depth: number): Promise<void> => {
    if (manifests.size + blobs.size > MAX_PARTS) throw invalidImage(`${reader.name} has too many parts`);
    if (!isIndex(content.descriptor)) {
      const { config, layers } = readManifest(content, reader.name);
      for (const blob of [config, ...layers]) if (!isForeign(blob)) blobs.set(blob.digest, blob);
      return;
    }
    if (depth === MAX_DEPTH) throw invalidImage(`${reader.name} has indexes of indexes without end`);
    for (const entry of readIndex(content, reader.name).manifests) {
      if (manifests.has(entry.digest)) continue;
      bytes += entry.size;
      if (bytes > MAX_MANIFESTS) throw invalidImage(`${reader.name} has manifests of more than ${MAX_MANIFESTS} bytes`);
      const part = await readPart(reader, entry);
      manifests.set(entry.digest, part);
      await visit(part, depth + 1);
    }
  };
  await visit(root, 0);
  return { root, manifests: [...manifests.values()], blobs: [...blobs.values()] };
}

/** @throws BstError domain element, where others might be meant as well, and could be named */
async function requireMeant(reader: ImageReader, chosen: Descriptor, all: readonly Descriptor[]): Promise<void> {
  if (reader.choice === undefined) return;
  const { digest, platform } = chosen;
  const isLike = (other: Descriptor) =>
    !isAttestation(other) &&
    (!other.platform || !platform || formatPlatform(other.platform) === formatPlatform(platform));
  if (!all.some((other) => other.digest !== digest && isLike(other))) return;
  const names = await reader.tags();
  if (names.length < 2) return;
  throw new BstError("element", `${reader.name} holds several images for ${formatPlatform(platform)}`, {
    reason: "no-such-image",
    detail: `It holds: ${names.join(", ")}. ${reader.choice}`,
  });
}

/** What an image is for: as its index says, or its configuration. @throws BstError for what is no image */
export async function platformOfImage(reader: ImageReader, content: Content): Promise<Platform> {
  const { platform } = content.descriptor;
  if (platform !== undefined) return platform;
  const { config } = readManifest(content, reader.name);
  const isImage = isImageConfig(config) && config.size <= MAX_CONFIG;
  const bytes = isImage ? await wholeOf(reader.blob(config), config, reader.name) : undefined;
  const found = bytes && platformOf(parse(bytes, `The configuration of ${reader.name}`));
  if (found === undefined) throw invalidImage(`${reader.name} is no image of a platform`);
  return found;
}

/** A manifest that another names, which it must equal in digest, size and kind. */
export async function readPart(reader: ImageReader, descriptor: Descriptor): Promise<Content> {
  const { bytes } = await reader.manifest(descriptor);
  const { digest, size, mediaType } = descriptor;
  if (bytes.length !== size) {
    throw invalidImage(`${digest} of ${reader.name} has ${bytes.length} bytes, and its descriptor tells of ${size}`);
  }
  if (digestText(bytes) !== digest) throw invalidImage(`${reader.name} has another manifest than ${digest}`);
  const type = manifestType(bytes, mediaType, `${digest} of ${reader.name}`);
  if (type !== mediaType)
    throw invalidImage(`${digest} of ${reader.name} is ${type}, and its descriptor says ${mediaType}`);
  return { descriptor, bytes };
}

/** The same reader, whose blobs are watched on their way. */
export function watched(reader: ImageReader, onProgress: (progress: CopyProgress) => void): ImageReader {
  async function* passing(descriptor: Descriptor, pieces: AsyncIterable<Buffer>, offset = 0): AsyncGenerator<Buffer> {
    let done = offset;
    for await (const piece of pieces) {
      done += piece.length;
      onProgress({ descriptor, done });
      yield piece;
    }
  }
  const blobFrom = reader.blobFrom?.bind(reader);
  return {
    ...relay(reader),
    blob: (descriptor) => passing(descriptor, reader.blob(descriptor)),
    ...(blobFrom && {
      blobFrom: (descriptor, offset) => passing(descriptor, blobFrom(descriptor, offset), offset),
    }),
  };
}
