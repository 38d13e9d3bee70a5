/** What an image, or an index of images, says of itself. */
import { BstError } from "../base/errors.ts";
import { partsOf, type Selection } from "./copy.ts";
import { type Content, type Descriptor, type Platform, wholeOf } from "./descriptor.ts";
import { platformOf } from "./image-config.ts";
import type { JsonObject } from "./json.ts";
import { isImageConfig, isIndex, MAX_CONFIG, parse, readIndex, readManifest } from "./manifest.ts";
import { cosignTag, KINDS, type StatementKind } from "./statement-tags.ts";
import type { ImageReader } from "./transport/types.ts";

export interface InspectedImage {
  readonly digest: string;
  readonly platform: Platform | undefined;
  readonly artifactType?: string;
  /** Bytes of manifest, configuration and layers. */
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** The configuration; undefined for what is no image. */
  readonly config: JsonObject | undefined;
  readonly layers: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
    readonly diffId?: string;
  }[];
}

/** What others say of an image, where it is. */
interface Statements {
  readonly referrers: readonly Descriptor[];
  /** What is kept under tags that follow from the digest. */
  readonly tagged: readonly { readonly tag: string; readonly kind: StatementKind; readonly digest: string }[];
}

export interface Inspection extends Statements {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly images: readonly InspectedImage[];
}

/**
 * @param onUnknown told where a registry can't say what is said about the image; without it, that is thrown
 * @throws BstError
 */
export async function inspectImage(
  reader: ImageReader,
  select: Selection,
  onUnknown?: (error: BstError) => void,
): Promise<Inspection> {
  const { root, manifests } = await partsOf(reader, select);
  const { digest, mediaType } = root.descriptor;
  const images: InspectedImage[] = [];
  for (const content of [root, ...manifests])
    if (!isIndex(content.descriptor)) images.push(await inspect(reader, content));
  const annotations = isIndex(root.descriptor) ? readIndex(root, reader.name).annotations : images[0]?.annotations;
  const said = await statementsOf(reader, digest).catch((error: unknown): Statements => {
    if (onUnknown === undefined || !(error instanceof BstError && error.domain === "remote")) throw error;
    onUnknown(error);
    return { referrers: [], tagged: [] };
  });
  return { digest, mediaType, annotations: annotations ?? {}, images, ...said };
}

async function statementsOf(reader: ImageReader, digest: string): Promise<Statements> {
  const referrers = (await reader.referrers?.(digest)) ?? [];
  const tagged: Statements["tagged"][number][] = [];
  for (const kind of KINDS) {
    const tag = cosignTag(digest, kind);
    const content = await reader.tagged?.(tag);
    if (content !== undefined) tagged.push({ tag, kind, digest: content.descriptor.digest });
  }
  return { referrers, tagged };
}

/** The configuration of an image, as it is. @throws BstError */
export async function configOf(reader: ImageReader, select: Selection): Promise<Content> {
  const { root } = await partsOf(reader, select);
  const { config } = readManifest(root, reader.name);
  return { descriptor: config, bytes: await wholeOf(reader.blob(config), config, reader.name) };
}

async function inspect(reader: ImageReader, content: Content): Promise<InspectedImage> {
  const { descriptor, bytes } = content;
  const manifest = readManifest(content, reader.name);
  const { config: described, layers, annotations = {}, artifactType } = manifest;
  const isImage = isImageConfig(described) && described.size <= MAX_CONFIG;
  const config = isImage
    ? parse(await wholeOf(reader.blob(described), described, reader.name), "The configuration")
    : undefined;
  const rootfs = config?.["rootfs"] as { readonly diff_ids?: readonly string[] } | undefined;
  const type = artifactType ?? (isImage ? undefined : described.mediaType);
  return {
    digest: descriptor.digest,
    platform: config && { ...descriptor.platform, ...(platformOf(config) ?? { os: "", architecture: "" }) },
    ...(type !== undefined && { artifactType: type }),
    size: bytes.length + described.size + layers.reduce((sum, { size }) => sum + size, 0),
    annotations,
    config,
    layers: layers.map(({ mediaType, digest, size }, i) => {
      const diffId = rootfs?.diff_ids?.[i];
      return { mediaType, digest, size, ...(diffId !== undefined && { diffId }) };
    }),
  };
}
