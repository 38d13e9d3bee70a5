/** The configuration of an `oci` element: its schema, and what it says once the text of its scalars is understood. */
import { bool, type JsonSchema, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";
import { type Compression, LEVELS, NO_COMPRESSION } from "./compression.ts";
import { isTaggedName } from "./registry/reference.ts";

export type OciMode = "oci" | "docker";

export interface Healthcheck {
  readonly Test?: readonly string[];
  /** Nanoseconds. */
  readonly Interval?: number;
  /** Nanoseconds. */
  readonly Timeout?: number;
  readonly Retries?: number;
}

/** What a container starts as, under the names that images have for it. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: readonly string[];
  /** `NAME=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Bytes, as are all of Docker's limits. */
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly CpuShares?: number;
  readonly Healthcheck?: Healthcheck;
}

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

const containerConfig: JsonSchema = record({
  User: text,
  ExposedPorts: textList,
  Env: textList,
  Entrypoint: textList,
  Cmd: textList,
  Volumes: textList,
  WorkingDir: text,
  Labels: textMap,
  StopSignal: text,
  Memory: text,
  MemorySwap: text,
  CpuShares: text,
  Healthcheck: record({ Test: textList, Interval: text, Timeout: text, Retries: text }),
});

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
    config: containerConfig,
  },
  ["architecture", "os"],
);

/** Schema of the element's `config`. */
export const ociSchema: JsonSchema = record(
  {
    mode: oneOf("oci", "docker"),
    gzip: oneOf("True", "true", "1", "False", "false", "0", "enabled", "disabled"),
    compression: oneOf("auto", "gzip", "zstd", "none"),
    "compression-level": text,
    annotations: textMap,
    "vcs-annotations": bool,
    "default-user": text,
    images: listOf(image),
  },
  ["images"],
);

/** Which keys only one of the modes has. */
const ONLY: Readonly<Record<OciMode, readonly string[]>> = {
  docker: ["Memory", "MemorySwap", "CpuShares", "Healthcheck"],
  oci: ["Labels", "StopSignal"],
};
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
    images: config
      .required("images", config.sequence("images"))
      .mappings()
      .map((node) => withUser(readImage(node, mode), user)),
  };
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
  return node.value === "enabled" || (node.value !== "disabled" && node.asBool("gzip"));
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
      texts(node, "tags", isTaggedName, "a name with a tag, such as 'example:1.0', in lower case but for the tag"),
    ),
    ...defined("sourceDateEpoch", epoch(node, "source-date-epoch")),
    ...(config === undefined ? {} : { config: readConfig(config, mode) }),
  };
}

/** One for what is gone, one for what no element brings, and at least one for the elements; overlays stack no more. */
const [FEWEST_LAYERS, MOST_LAYERS] = [3, 127];

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

const PORT = /^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/;
const VARIABLE = /^[^=]+=/;
const ABSOLUTE = /^\//;

function readConfig(node: MappingNode, mode: OciMode): ContainerConfig {
  reject(node, ONLY[mode === "oci" ? "docker" : "oci"], mode);
  const health = node.mapping("Healthcheck");
  return {
    ...defined("User", node.string("User")),
    ...defined(
      "ExposedPorts",
      texts(node, "ExposedPorts", (text) => PORT.test(text), "a port, such as 80/tcp"),
    ),
    ...defined(
      "Env",
      texts(node, "Env", (text) => VARIABLE.test(text), "NAME=value"),
    ),
    ...defined("Entrypoint", node.strings("Entrypoint")),
    ...defined("Cmd", node.strings("Cmd")),
    ...defined(
      "Volumes",
      texts(node, "Volumes", (text) => ABSOLUTE.test(text), "an absolute path"),
    ),
    ...defined("WorkingDir", node.string("WorkingDir")),
    ...defined("Labels", textEntries(node.mapping("Labels"))),
    ...defined("StopSignal", node.string("StopSignal")),
    ...defined("Memory", natural(node, "Memory")),
    // -1 stands for no limit.
    ...defined("MemorySwap", node.int("MemorySwap")),
    ...defined("CpuShares", natural(node, "CpuShares")),
    ...(health === undefined ? {} : { Healthcheck: readHealthcheck(health) }),
  };
}

function readHealthcheck(node: MappingNode): Healthcheck {
  return {
    ...defined("Test", node.strings("Test")),
    ...defined("Interval", natural(node, "Interval")),
    ...defined("Timeout", natural(node, "Timeout")),
    ...defined("Retries", natural(node, "Retries")),
  };
}

function reject(node: MappingNode, keys: readonly string[], mode: OciMode): void {
  for (const key of keys) {
    const found = node.get(key);
    if (found !== undefined) throw found.error(`Images of mode '${mode}' have no '${key}'`);
  }
}

function texts(
  node: MappingNode,
  key: string,
  isOne: (text: string) => boolean,
  described: string,
): string[] | undefined {
  return node
    .sequence(key)
    ?.scalars()
    .map((item) => {
      if (!isOne(item.value)) throw item.error(`Each of '${key}' must be ${described}`);
      return item.value;
    });
}

function natural(node: MappingNode, key: string): number | undefined {
  const value = node.int(key);
  if (value !== undefined && value < 0) throw node.scalar(key)?.error(`Value of '${key}' can't be negative`);
  return value;
}

/** What a tar header can say. */
const LATEST = 8 ** 11 - 1;

function epoch(node: MappingNode, key: string): number | undefined {
  const value = natural(node, key);
  if (value !== undefined && value > LATEST) throw node.scalar(key)?.error(`Value of '${key}' is too large`);
  return value;
}

function notEmpty(node: MappingNode, key: string): string {
  const found = node.required(key, node.scalar(key));
  if (found.value === "") throw found.error(`Value of '${key}' can't be empty`);
  return found.value;
}

function textEntries(node: MappingNode | undefined): Record<string, string> | undefined {
  if (node === undefined) return undefined;
  return Object.fromEntries(node.keys().map((key) => [key, node.string(key) ?? ""]));
}

/** A property only where it has a value. */
function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
