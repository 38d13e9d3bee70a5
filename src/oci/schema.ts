/** The configuration of an `oci` element: its schema, and what it says once the text of its scalars is understood. */
import { bool, type JsonSchema, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";
import { type Compression, LEVELS, NO_COMPRESSION } from "./compression.ts";
import { type ContainerConfig, containerConfigSchema, type OciMode, readContainerConfig } from "./container-config.ts";
import { defined, natural, notEmpty, reject, textEntries, texts } from "./fields.ts";
import { isTaggedName } from "./registry/reference.ts";

export interface ImageSpec {
  readonly parent?: { readonly element: string; readonly image: number };
  /** The elements that make up the image's whole content; none where only the configuration differs from the parent. */
  readonly layer?: readonly string[];
  /** Instead of that: the elements whose files are put over those of the parent. */
  readonly add?: readonly string[];
  /** Into how many layers the content is divided at most; default one. */
  readonly maxLayers?: number;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
  readonly author?: string;
  readonly comment?: string;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the image's entry in the index. */
  readonly indexAnnotations?: Readonly<Record<string, string>>;
  /** `name:tag`. */
  readonly tags?: readonly string[];
  /** Seconds since 1970: when the image says that it was made, and the time of all files in its new layers. */
  readonly sourceDateEpoch?: number;
  readonly config?: ContainerConfig;
}

export interface OciSpec {
  readonly mode: OciMode;
  /** Of new layers. */
  readonly compression: Compression;
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly images: readonly ImageSpec[];
  /** Whether index and images are annotated with the commit that their project is at. */
  readonly describesCommit: boolean;
}

const image: JsonSchema = record(
  {
    parent: record({ element: text, image: text }, ["element"]),
    layer: textList,
    add: textList,
    layers: record({ max: text }, ["max"]),
    architecture: text,
    os: text,
    variant: text,
    "os.version": text,
    "os.features": textList,
    author: text,
    comment: text,
    annotations: textMap,
    "index-annotations": textMap,
    tags: textList,
    "source-date-epoch": text,
    config: containerConfigSchema,
  },
  ["architecture", "os"],
);

/** Schema of the element's `config`. */
export const ociSchema: JsonSchema = record(
  {
    mode: oneOf("oci", "docker"),
    gzip: oneOf("True", "true", "1", "False", "false", "0", "enabled", "disabled", "gzip"),
    compression: oneOf("auto", "gzip", "zstd", "none"),
    "compression-level": text,
    annotations: textMap,
    "vcs-annotations": bool,
    "default-user": text,
    images: listOf(image),
  },
  ["images"],
);

const ONLY_OCI_IMAGE = ["annotations", "index-annotations"];

/**
 * @param config has the form that {@link ociSchema} demands
 * @throws LoadError invalid-data, for what the schema can't say
 */
export function readOciSpec(config: MappingNode): OciSpec {
  const mode = config.enum("mode", ["oci", "docker"]) ?? "oci";
  const annotations = textEntries(config.mapping("annotations"));
  if (mode === "docker") reject(config, ["annotations", "vcs-annotations"], mode);
  const user = config.has("default-user") ? notEmpty(config, "default-user") : undefined;
  return {
    mode,
    compression: readCompression(config, mode),
    ...defined("annotations", annotations),
    describesCommit: config.bool("vcs-annotations") ?? false,
    images: readImages(config).map((node) => withUser(readImage(node, mode), user)),
  };
}

function readImages(config: MappingNode): MappingNode[] {
  const images = config.required("images", config.sequence("images"));
  if (images.items.length === 0) throw images.error("There must be an image at least");
  return images.mappings();
}

/** As who a container runs, where its image does not say. */
function withUser(image: ImageSpec, user: string | undefined): ImageSpec {
  return user === undefined ? image : { ...image, config: { User: user, ...image.config } };
}

function readCompression(config: MappingNode, mode: OciMode): Compression {
  const [gzip, given] = [config.scalar("gzip"), config.scalar("compression")];
  const isGzip = gzip === undefined ? undefined : readGzip(gzip);
  const asked = config.enum("compression", ["auto", "gzip", "zstd", "none"]) ?? "auto";
  if (isGzip !== undefined && asked !== "auto" && isGzip !== (asked === "gzip")) {
    throw gzip?.error(`'gzip: ${gzip.value}' contradicts 'compression: ${asked}'`);
  }
  if (mode === "docker") {
    if (asked === "gzip" || asked === "zstd") {
      throw given?.error("Images of mode 'docker' have no compressed layers");
    }
    reject(config, ["compression-level"], mode);
    return NO_COMPRESSION;
  }
  const kind = asked !== "auto" ? asked : isGzip === false ? "none" : "gzip";
  const level = natural(config, "compression-level");
  if (kind === "none") {
    if (level === undefined) return NO_COMPRESSION;
    throw config.scalar("compression-level")?.error("Layers that are not compressed have no 'compression-level'");
  }
  const { usual, highest } = LEVELS[kind];
  if (level !== undefined && (level < 1 || level > highest)) {
    throw config.scalar("compression-level")?.error(`Levels of ${kind} are from 1 to ${highest}`);
  }
  return { kind, level: level ?? usual };
}

/** A boolean, or the words that build scripts of other tools use. */
function readGzip(node: ScalarNode): boolean {
  return /^(?:enabled|gzip)$/.test(node.value) || (node.value !== "disabled" && node.asBool("gzip"));
}

function readImage(node: MappingNode, mode: OciMode): ImageSpec {
  if (mode === "docker") reject(node, ONLY_OCI_IMAGE, mode);
  const parent = node.mapping("parent");
  const config = node.mapping("config");
  return {
    ...(parent === undefined ? {} : { parent: readParent(parent) }),
    ...defined("layer", node.strings("layer")),
    ...defined("add", readAdd(node)),
    ...defined("maxLayers", readMaxLayers(node)),
    architecture: notEmpty(node, "architecture"),
    os: notEmpty(node, "os"),
    ...defined("variant", node.string("variant")),
    ...defined("osVersion", node.string("os.version")),
    ...defined("osFeatures", node.strings("os.features")),
    ...defined("author", node.string("author")),
    ...defined("comment", node.string("comment")),
    ...defined("annotations", textEntries(node.mapping("annotations"))),
    ...defined("indexAnnotations", textEntries(node.mapping("index-annotations"))),
    ...defined(
      "tags",
      texts(
        node,
        "tags",
        isTaggedName,
        "a name with a tag, such as 'example:1.0', in lower case but for the tag, and at most 255 characters before it",
      ),
    ),
    ...defined("sourceDateEpoch", epoch(node, "source-date-epoch")),
    ...(config === undefined ? {} : { config: readContainerConfig(config, mode) }),
  };
}

/** One for what is gone, one for what no element brings, and at least one for the elements. */
const FEWEST_LAYERS = 3;
/** Of an image with its parents: docker takes no more. */
export const MOST_LAYERS = 125;

function readMaxLayers(image: MappingNode): number | undefined {
  const layers = image.mapping("layers");
  const max = layers && natural(layers, "max");
  if (max === undefined) return undefined;
  if (max < FEWEST_LAYERS || max > MOST_LAYERS) {
    throw layers?.scalar("max")?.error(`Value of 'max' must be from ${FEWEST_LAYERS} to ${MOST_LAYERS}`);
  }
  if (!image.has("layer") && !image.has("add")) throw layers?.error("Without a 'layer' there is nothing to divide");
  return max;
}

function readAdd(image: MappingNode): string[] | undefined {
  const add = image.sequence("add");
  if (add === undefined) return undefined;
  if (image.has("layer")) throw add.error("What is in a 'layer' can't be added besides");
  if (!image.has("parent")) throw add.error("Without a 'parent' there is nothing to add to: say 'layer'");
  return add.asStrings();
}

function readParent(node: MappingNode): { element: string; image: number } {
  return {
    element: node.required("element", node.string("element")),
    image: natural(node, "image") ?? 0,
  };
}

/** What a tar header can say. */
const LATEST = 8 ** 11 - 1;

function epoch(node: MappingNode, key: string): number | undefined {
  const value = natural(node, key);
  if (value !== undefined && value > LATEST) throw node.scalar(key)?.error(`Value of '${key}' is too large`);
  return value;
}
