/** Reads what `docker save` writes, as an image with a manifest. */

import { createHash } from "node:crypto";
import { BstError } from "../../base/errors.ts";
import { type Content, type Descriptor, describeBytes } from "../descriptor.ts";
import type { Maker } from "../growth.ts";
import { platformOf } from "../image-config.ts";
import { asArray, asString, invalidImage, type JsonObject } from "../json.ts";
import { layerType, MAX_CONFIG, parse } from "../manifest.ts";
import { CONFIG, MANIFEST } from "../media-types.ts";
import { dockerTags, readDockerIndex, tagsOf } from "./docker-index.ts";
import { type ImageFiles, readFile } from "./files.ts";
import { indexOf } from "./layout-reader.ts";
import type { ImageReader } from "./types.ts";

export class DockerReader implements ImageReader {
  readonly name: string;
  readonly choice?: string;
  readonly maker: Maker | undefined;
  readonly #files: ImageFiles;
  readonly #tag: string | undefined;
  readonly #manifests = new Map<string, Content>();
  /** Digest → path. */
  readonly #blobs = new Map<string, string>();
  /** By path: images share layers, and each is read once. */
  readonly #layers = new Map<string, Descriptor>();

  /**
   * @param tag a name that the image has; without it all that there is
   * @param choice how to say the former, where that is possible
   */
  constructor(files: ImageFiles, tag: string | undefined, choice?: string) {
    if (tag === undefined && choice !== undefined) this.choice = choice;
    this.#files = files;
    this.maker = files.maker;
    this.#tag = tag;
    this.name = tag === undefined ? files.name : `${files.name}:${tag}`;
  }

  async root(): Promise<Content> {
    const images = await readDockerIndex(this.#files);
    const chosen = this.#tag === undefined ? images : images.filter((image) => tagsOf(image).includes(this.#tag ?? ""));
    if (chosen.length === 0) {
      throw new BstError("element", `${this.#files.name} holds no image of the name '${this.#tag}'`, {
        reason: "no-such-image",
        detail: `It holds: ${images.flatMap(tagsOf).join(", ")}`,
      });
    }
    const contents: Content[] = [];
    for (const image of chosen) contents.push(await this.#read(image));
    const [only, ...others] = contents;
    if (only !== undefined && others.length === 0) return only;
    return indexOf(contents.map(({ descriptor }) => descriptor));
  }

  async tags(): Promise<readonly string[]> {
    return this.#tag === undefined ? dockerTags(this.#files) : [this.#tag];
  }

  async manifest({ digest }: Descriptor): Promise<Content> {
    const known = this.#manifests.get(digest);
    if (known === undefined) throw invalidImage(`${this.name} has no manifest ${digest}`);
    return known;
  }

  blob({ digest }: Descriptor): AsyncIterable<Buffer> {
    const path = this.#blobs.get(digest);
    if (path === undefined) throw invalidImage(`${this.name} has no blob ${digest}`);
    return this.#files.read(path);
  }

  async #read(image: JsonObject): Promise<Content> {
    const path = asString(image["Config"], `The configuration of ${this.name}`);
    const bytes = await readFile(this.#files, path, MAX_CONFIG);
    const config = describeBytes(CONFIG, bytes);
    this.#blobs.set(config.digest, path);
    const layers: Descriptor[] = [];
    for (const layer of asArray(image["Layers"], `The list of layers of ${this.name}`)) {
      layers.push(await this.#layer(asString(layer, `A layer of ${this.name}`)));
    }
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers }));
    const platform = platformOf(parse(bytes, `The configuration of ${this.name}`));
    const content = {
      descriptor: { ...describeBytes(MANIFEST, manifest), ...(platform && { platform }) },
      bytes: manifest,
    };
    this.#manifests.set(content.descriptor.digest, content);
    return content;
  }

  async #layer(path: string): Promise<Descriptor> {
    const known = this.#layers.get(path) ?? (await this.#describeLayer(path));
    this.#layers.set(path, known);
    return known;
  }

  async #describeLayer(path: string): Promise<Descriptor> {
    const size = this.#files.sizeOf(path);
    if (size === undefined) throw invalidImage(`${this.name} has no file ${path}`);
    const hash = createHash("sha256");
    let start: Buffer = Buffer.alloc(0);
    for await (const piece of this.#files.read(path)) {
      if (start.length === 0) start = Buffer.from(piece.subarray(0, 4));
      hash.update(piece);
    }
    const digest = `sha256:${hash.digest("hex")}`;
    this.#blobs.set(digest, path);
    return { mediaType: layerType(start), digest, size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files[Symbol.dispose]();
  }
}
