/** Manifests and indexes as images, layouts and registries have them: what kind they are, and what they name. */
import { type Content, type Descriptor, readAnnotations, readDescriptor } from "./descriptor.ts";
import { asArray, asObject, invalidImage, type JsonObject, parseJson } from "./json.ts";
import { CONFIG, INDEX, LAYER, LAYER_GZIP, LAYER_ZSTD, MANIFEST } from "./media-types.ts";

/** Bytes; registries refuse larger ones. */
export const MAX_MANIFEST: number = 4 << 20;
/** Bytes of an image's configuration. */
export const MAX_CONFIG: number = 8 << 20;

const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";

/** What a registry is asked for. */
export const ACCEPTED: string = [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(", ");

export function isIndex({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return mediaType === INDEX || mediaType === DOCKER_LIST;
}

export function isManifest({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return mediaType === MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** Whether it is the configuration of an image, and not of an artifact of another kind. */
export function isImageConfig({ mediaType }: Pick<Descriptor, "mediaType">): boolean {
  return mediaType === CONFIG || mediaType === DOCKER_CONFIG;
}

/** @throws BstError domain element, for an artifact of another kind */
export function requireImage(config: Descriptor, name: string): void {
  if (!isImageConfig(config)) throw invalidImage(`${name} is no image: ${config.mediaType}`);
}

/** How a layer's tar is compressed; undefined for what is no layer. */
export function compressionOf({ mediaType }: Pick<Descriptor, "mediaType">): "none" | "gzip" | "zstd" | undefined {
  const match =
    /^application\/vnd\.(?:oci\.image\.layer(?:\.nondistributable)?\.v1\.tar|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar)(?:[+.](gzip|zstd))?$/.exec(
      mediaType,
    );
  if (match === null) return undefined;
  return match[1] === "gzip" || match[1] === "zstd" ? match[1] : "none";
}

const MAGIC: readonly (readonly [start: Buffer, mediaType: string])[] = [
  [Buffer.from([0x1f, 0x8b]), LAYER_GZIP],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), LAYER_ZSTD],
];

/** What a layer is of which nothing is said, as in Docker's archives. @param start its first bytes, four if there are */
export function layerType(start: Buffer): string {
  return MAGIC.find(([magic]) => start.subarray(0, magic.length).equals(magic))?.[1] ?? LAYER;
}

/** Layers that are had elsewhere: nobody passes them on. */
export function isForeign({ mediaType, urls }: Descriptor): boolean {
  return (urls?.length ?? 0) > 0 && /nondistributable|foreign/.test(mediaType);
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The kind of a manifest: what it says itself, else what came with it.
 * @throws BstError domain element, for bytes that are none or could be taken for two things
 */
export function manifestType(bytes: Buffer, given: string | undefined, name: string): string {
  const object = parse(bytes, name);
  if (object["schemaVersion"] === 1) throw invalidImage(`${name} is of schema version 1, which is not known`);
  const said = object["mediaType"] ?? given;
  const type = typeof said === "string" ? said : "";
  const hasImages = object["manifests"] !== undefined;
  if (hasImages && (object["layers"] !== undefined || object["config"] !== undefined)) {
    throw invalidImage(`${name} is an image and an index of images at once`);
  }
  const known = { mediaType: type };
  if (!isIndex(known) && !isManifest(known)) throw invalidImage(`Manifests of type ${type} are not known: ${name}`);
  if (isIndex(known) !== hasImages) throw invalidImage(`${name} is not what its type ${type} says`);
  return type;
}

/** @throws BstError domain element */
export function readIndex({ bytes }: Content, name: string): ImageIndex {
  const object = parse(bytes, name);
  const manifests = asArray(object["manifests"], `The list of images of ${name}`).map((each, i) =>
    readDescriptor(each, `Image ${i} of ${name}`),
  );
  return { manifests, ...further(object, name) };
}

/** @throws BstError domain element */
export function readManifest({ bytes }: Content, name: string): ImageManifest {
  const object = parse(bytes, name);
  const config = readDescriptor(object["config"], `The configuration of ${name}`);
  if (object["layers"] === undefined) throw invalidImage(`The manifest of ${name} has no layers`);
  const layers = asArray(object["layers"], `The list of layers of ${name}`).map((each, i) =>
    readDescriptor(each, `Layer ${i} of ${name}`),
  );
  return { config, layers, ...further(object, name) };
}

/** What both have, as far as anybody here needs it. */
function further(
  { annotations, artifactType }: JsonObject,
  name: string,
): Pick<ImageManifest, "annotations" | "artifactType"> {
  return {
    ...(annotations !== undefined && annotations !== null && { annotations: readAnnotations(annotations, name) }),
    ...(typeof artifactType === "string" && { artifactType }),
  };
}

/** Whether an entry of an index is no image but says something about one, as docker's builder adds them. */
export function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations?.["vnd.docker.reference.type"] !== undefined ||
    (platform?.os === "unknown" && platform.architecture === "unknown")
  );
}

export function parse(bytes: Buffer, name: string): JsonObject {
  return asObject(parseJson(bytes, name), name);
}
