/** Makes images of trees: a layer for what differs from the parent, a configuration, and a layout that holds them. */
import { DecompressError, decompressed } from "../base/decompress.ts";
import { type Digest, formatDigest, parseDigest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { historyOf, type Image } from "./image.ts";
import { invalidImage } from "./json.ts";
import { type Layer, type LayerFormat, writeLayer } from "./layer.ts";
import { writeLayout } from "./layout.ts";
import { LAYER } from "./media-types.ts";
import type { Memo } from "./memo.ts";
import { type BaseImage, readBaseImage } from "./parent.ts";
import { rememberRoot, rootOf } from "./root.ts";
import type { ImageSpec, OciSpec } from "./schema.ts";

/** What one image of a specification is made from. */
export interface ImageInput {
  /** All that the image shall hold; undefined where its specification names no layer. */
  readonly tree?: Digest | undefined;
  /** The artifact with the parent, where the specification names one. */
  readonly parent?: { readonly layout: Digest; readonly name: string } | undefined;
}

export interface AssembleOptions {
  readonly memo: Memo;
  readonly signal: AbortSignal;
  /** Seconds since 1970, of everything in the new layers; default 0. */
  readonly mtime?: number;
  /** Runs a step under messages that say what it does. */
  activity<T>(text: string, step: () => Promise<T>): Promise<T>;
}

/** A change to how layers are written changes this, so that none written before is taken for one written now. */
const LAYER_VERSION = 1;

/**
 * The tree of the layout with the images of a specification. The same input gives the same tree.
 * @param inputs one for each image, in the same order
 * @throws BstError domain element
 */
export async function assembleImages(
  cas: Cas,
  spec: OciSpec,
  inputs: readonly ImageInput[],
  options: AssembleOptions,
): Promise<Digest> {
  const images: Image[] = [];
  for (const [i, image] of spec.images.entries()) {
    const assembly = new Assembly(cas, spec, options);
    images.push(await options.activity(`Assembling image ${i}`, () => assembly.image(image, inputs[i] ?? {})));
  }
  return writeLayout(cas, spec, images);
}

class Assembly {
  readonly #cas: Cas;
  readonly #format: LayerFormat;
  /** Docker's own form has no compressed layers. */
  readonly #plainOnly: boolean;
  readonly #options: AssembleOptions;

  constructor(cas: Cas, { mode, gzip }: OciSpec, options: AssembleOptions) {
    this.#cas = cas;
    this.#plainOnly = mode === "docker";
    this.#format = { compression: gzip && mode === "oci" ? "gzip" : "none", mtime: options.mtime ?? 0 };
    this.#options = options;
  }

  async image(spec: ImageSpec, { tree, parent }: ImageInput): Promise<Image> {
    const base: BaseImage | undefined =
      parent && readBaseImage(this.#cas, parent.layout, spec.parent?.image ?? 0, parent.name);
    const below = await this.#usable(base?.layers ?? []);
    const layer = tree && (await this.#layer(tree, below));
    const layers = layer === undefined ? below : [...below, layer];
    if (tree !== undefined && layers.length > 0) rememberRoot(this.#options.memo, layers, tree);
    return { spec, layers, history: [...(base?.history ?? []), historyOf(spec, layer !== undefined)] };
  }

  async #layer(tree: Digest, below: readonly Layer[]): Promise<Layer | undefined> {
    const { memo, signal } = this.#options;
    const parent = below.length === 0 ? undefined : await rootOf(this.#cas, below, memo, signal);
    const { compression, mtime } = this.#format;
    const trees = [tree, ...(parent === undefined ? [] : [parent])].map(formatDigest);
    const key = `layer ${LAYER_VERSION} ${compression} ${mtime} ${trees.join(" ")}`;
    const known = parseLayer(memo.get(key) ?? "");
    if (known !== undefined && this.#cas.has(known.digest)) return known;
    const layer = await writeLayer(this.#cas, tree, parent, this.#format, signal);
    if (layer !== undefined) memo.set(key, formatLayer(layer));
    return layer;
  }

  /** The parent's layers, their bytes unchanged where the form of the new image can hold them. */
  async #usable(layers: readonly Layer[]): Promise<readonly Layer[]> {
    if (!this.#plainOnly) return layers;
    const plain: Layer[] = [];
    for (const layer of layers) plain.push(layer.mediaType === LAYER ? layer : await this.#decompress(layer));
    return plain;
  }

  async #decompress({ digest, diffId }: Layer): Promise<Layer> {
    const { signal } = this.#options;
    try {
      const bytes = decompressed(this.#cas.objectPath(digest), signal);
      const plain = await this.#cas.importStream(bytes, { signal });
      if (`sha256:${plain.hash}` !== diffId)
        throw invalidImage(`The layer ${digest.hash} is not what its diff_id says`);
      return { mediaType: LAYER, digest: plain, diffId };
    } catch (error) {
      if (!(error instanceof DecompressError)) throw error;
      throw invalidImage(`The layer ${digest.hash} can't be read: ${error.message}`);
    }
  }
}

function formatLayer({ mediaType, digest, diffId }: Layer): string {
  return `${mediaType} ${formatDigest(digest)} ${diffId}`;
}

/** Undefined for anything that {@link formatLayer} did not write. */
function parseLayer(line: string): Layer | undefined {
  const [mediaType, text = "", diffId, ...rest] = line.split(" ");
  const digest = parseDigest(text);
  if (mediaType === undefined || digest === undefined || diffId === undefined || rest.length > 0) return undefined;
  return { mediaType, digest, diffId };
}
