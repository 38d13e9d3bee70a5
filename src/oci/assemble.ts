/** Makes images of trees: layers for what differs from the parent, a configuration, and a layout that holds them. */
import { createHash } from "node:crypto";
import { DecompressError, decompressed } from "../base/decompress.ts";
import { BstError } from "../base/errors.ts";
import { type Digest, formatDigest, parseDigest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { formatAttributes } from "./attributes.ts";
import { checkStoredLayer, type LayerCheck, rememberMade } from "./check-layer.ts";
import { attributesOf, type DeclarationError, type Declarations } from "./declared.ts";
import type { Maker } from "./growth.ts";
import { historyOf, type Image } from "./image.ts";
import { invalidImage } from "./json.ts";
import { type Layer, type LayerFormat, writeLayer } from "./layer.ts";
import {
  type Content,
  contentOver,
  type Divide,
  dividedEntries,
  EMPTY_CONTENT,
  type LayerEntry,
  layerEntries,
  settled,
} from "./layer-entries.ts";
import { writeLayout } from "./layout.ts";
import { LAYER } from "./media-types.ts";
import type { Memo } from "./memo.ts";
import { type OutwardLink, outwardLinks, parseLinks } from "./outward-links.ts";
import { type BaseImage, readBaseImage } from "./parent.ts";
import { rememberRoot, rootOf } from "./root.ts";
import type { ImageSpec, OciSpec } from "./schema.ts";

export interface ParentInput {
  /** The tree that holds the parent. */
  readonly layout: Digest;
  /** For messages. */
  readonly name: string;
  /** Default others. */
  readonly maker?: Maker | undefined;
  /** Where it is named. */
  readonly place?: string | undefined;
}

/** What one image of a specification is made from. */
export interface ImageInput {
  /** All that the image shall hold, or what is added to its parent; undefined where its specification names neither. */
  readonly tree?: Digest | undefined;
  /** What elements declare for its files; default nothing. */
  readonly declared?: Declarations | undefined;
  /** Of what is declared and can't be had. */
  readonly declarationError?: DeclarationError | undefined;
  /** Default one layer. */
  readonly divide?: Divide | undefined;
  /** The artifact with the parent, where the specification names one. */
  readonly parent?: ParentInput | undefined;
  /** Called with the links of the new layers that lead above the root, where there are any. */
  readonly onOutwardLinks?: ((links: readonly OutwardLink[]) => void) | undefined;
}

export interface AssembleOptions {
  readonly memo: Memo;
  readonly signal: AbortSignal;
  /** Runs a step under messages that say what it does. */
  activity<T>(text: string, step: () => Promise<T>): Promise<T>;
  /** Called with how many bytes of a layer's files are in it, of how many. */
  onProgress?(done: number, all: number): void;
  /** Called with how many layers an image has, those of its parents among them. */
  onLayers?(image: number, count: number): void;
}

/**
 * A change to the bytes of images changes this: it is part of the keys of what makes them, so that no two images have one
 * key, and no layer written before is taken for one written now.
 */
export const LAYER_VERSION = 4;

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
    const assembly = new Assembly(cas, spec, image, options);
    const made = await options.activity(`Assembling image ${i}`, () => assembly.image(inputs[i] ?? {}));
    images.push(made);
    options.onLayers?.(i, made.layers.length);
    if (assembly.outwardLinks.length > 0) inputs[i]?.onOutwardLinks?.(assembly.outwardLinks);
  }
  return writeLayout(cas, spec, images);
}

/** A layer, and what the history says that it holds. */
interface Step {
  readonly layer: Layer;
  readonly about?: string | undefined;
}

class Assembly {
  /** Of the layers that are new in it. */
  readonly outwardLinks: OutwardLink[] = [];
  readonly #cas: Cas;
  readonly #spec: ImageSpec;
  readonly #format: LayerFormat;
  /** Docker's own form has no compressed layers. */
  readonly #plainOnly: boolean;
  readonly #options: AssembleOptions;

  constructor(cas: Cas, { mode, compression }: OciSpec, spec: ImageSpec, options: AssembleOptions) {
    this.#cas = cas;
    this.#spec = spec;
    this.#plainOnly = mode === "docker";
    this.#format = { compression, mtime: spec.sourceDateEpoch ?? 0 };
    this.#options = options;
  }

  async image(input: ImageInput): Promise<Image> {
    const { memo, signal } = this.#options;
    const { tree, parent, declared = new Map() } = input;
    const spec = this.#spec;
    const base: BaseImage | undefined =
      parent && readBaseImage(this.#cas, parent.layout, spec.parent?.image ?? 0, parent.name, parent.place);
    const check: LayerCheck = { place: parent?.name ?? "", signal, maker: parent?.maker };
    const below = await this.#usable(base?.layers ?? [], check);
    const steps: Step[] = [];
    if (tree !== undefined) {
      const baseContent = below.length === 0 ? EMPTY_CONTENT : await rootOf(this.#cas, below, memo, check);
      const whole = spec.add === undefined ? tree : this.#added(baseContent.tree, tree);
      const attributes = attributesOf(this.#cas, whole, declared, input.declarationError);
      const content = settled(this.#cas, { tree: whole, attributes });
      steps.push(...(await this.#steps(content, baseContent, input.divide)));
      const layers = [...below, ...steps.map(({ layer }) => layer)];
      if (layers.length > 0) rememberRoot(memo, layers, contentOver(this.#cas, content, baseContent));
    }
    // Those that nobody had to read.
    for (const layer of below) await checkStoredLayer(this.#cas, layer, memo, check);
    const history =
      steps.length === 0 ? [historyOf(spec, false)] : steps.map(({ about }) => historyOf(spec, true, about));
    return {
      spec,
      layers: [...below, ...steps.map(({ layer }) => layer)],
      history: [...(base?.history ?? []), ...history],
    };
  }

  /** A tree over the parent's. */
  #added(parent: Digest, tree: Digest): Digest {
    const whole = new Tree(this.#cas, parent);
    try {
      const { ignored } = whole.importTree(tree);
      if (ignored.length === 0) return whole.digest();
      throw new BstError("virtual-fs", `The parent has folders where these are: ${ignored.join(", ")}`);
    } catch (error) {
      if (!(error instanceof BstError) || error.domain !== "virtual-fs") throw error;
      throw new BstError("element", `The parent can't be added to: ${error.message}`, {
        reason: "oci-addition-conflict",
      });
    }
  }

  async #steps(content: Content, below: Content, divide: Divide | undefined): Promise<Step[]> {
    if (divide === undefined) {
      const layer = await this.#layer(this.#key(content, below), () => layerEntries(this.#cas, content, below));
      return layer === undefined ? [] : [{ layer }];
    }
    const steps: Step[] = [];
    for (const { about, entries } of dividedEntries(this.#cas, content, below, divide)) {
      if (entries.length === 0) continue;
      // An entry says all that its layer holds of it.
      const hash = createHash("sha256");
      for (const entry of entries) hash.update(`${JSON.stringify(entry)}\n`);
      const layer = await this.#layer(`${this.#formatKey()} entries ${hash.digest("hex")}`, () => entries);
      if (layer !== undefined) steps.push({ layer, about });
    }
    return steps;
  }

  #formatKey(): string {
    const { compression, mtime } = this.#format;
    return `layer ${LAYER_VERSION} ${compression.kind} ${compression.level} ${mtime}`;
  }

  #key(content: Content, below: Content): string {
    const of = ({ tree, attributes }: Content) => `${formatDigest(tree)} ${formatAttributes(attributes)}`;
    return `${this.#formatKey()} ${of(content)}\n${of(below)}`;
  }

  /** The layer with some entries, which are asked for where it was not written before. */
  async #layer(key: string, entries: () => Iterable<LayerEntry>): Promise<Layer | undefined> {
    const { memo } = this.#options;
    const known = parseLayer(memo.get(key) ?? "");
    const isThere = known !== undefined && this.#cas.has(known.digest);
    const layer = isThere ? known : await this.#write(key, [...entries()]);
    this.outwardLinks.push(...parseLinks(memo.get(linksKey(key))));
    return layer;
  }

  async #write(key: string, entries: readonly LayerEntry[]): Promise<Layer | undefined> {
    const { memo, signal, onProgress } = this.#options;
    const links = outwardLinks(entries);
    const all = entries.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.digest.size : 0), 0);
    let done = 0;
    const layer = await writeLayer(this.#cas, entries, this.#format, signal, (count) => {
      done += count;
      onProgress?.(done, all);
    });
    if (layer === undefined) return undefined;
    if (links.length > 0) memo.set(linksKey(key), JSON.stringify(links));
    memo.set(key, formatLayer(layer));
    rememberMade(memo, layer);
    return layer;
  }

  /** The parent's layers, their bytes unchanged where the form of the new image can hold them. */
  async #usable(layers: readonly Layer[], check: LayerCheck): Promise<readonly Layer[]> {
    if (!this.#plainOnly) return layers;
    const plain: Layer[] = [];
    for (const layer of layers) {
      if (layer.mediaType !== LAYER) await checkStoredLayer(this.#cas, layer, this.#options.memo, check);
      plain.push(layer.mediaType === LAYER ? layer : await this.#decompress(layer));
    }
    return plain;
  }

  async #decompress({ digest, diffId }: Layer): Promise<Layer> {
    const { signal } = this.#options;
    try {
      const bytes = decompressed(this.#cas.objectPath(digest), signal);
      const plain = await this.#cas.importStream(bytes, { signal });
      if (`sha256:${plain.hash}` !== diffId)
        throw invalidImage(`The layer sha256:${digest.hash} is not what its diff_id says`);
      return { mediaType: LAYER, digest: plain, diffId };
    } catch (error) {
      if (!(error instanceof DecompressError)) throw error;
      throw invalidImage(`The layer sha256:${digest.hash} can't be used: ${error.message}`);
    }
  }
}

/** @param key of a layer */
function linksKey(key: string): string {
  return `outward links ${key}`;
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
