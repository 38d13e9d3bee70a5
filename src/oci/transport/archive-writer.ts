/** Writes an image to a tar archive: an OCI layout, what `docker load` takes, or one that is both. */

import { type Content, type Descriptor, hexOf, verified, wholeOf } from "../descriptor.ts";
import { growthOf } from "../growth.ts";
import { invalidImage } from "../json.ts";
import { compressionOf, isImageConfig, isIndex, MAX_CONFIG, readIndex, readManifest } from "../manifest.ts";
import { INDEX } from "../media-types.ts";
import { hostPlatform, isFor } from "../platform.ts";
import { DOCKER_INDEX } from "./docker-index.ts";
import { INDEX_FILE, pathOf } from "./layout-reader.ts";
import { entryOf, LAYOUT_FILE, LAYOUT_JSON } from "./layout-writer.ts";
import { plainLayer, unreadable } from "./plain-layer.ts";
import type { TarWriter } from "./tar-writer.ts";
import type { ImageReader, ImageWriter, Outcome } from "./types.ts";

/** An image as an OCI layout in a tar; with `docker`, `docker load` takes it as well. */
export class LayoutArchiveWriter implements ImageWriter {
  readonly name: string;
  readonly #tar: TarWriter;
  readonly #names: readonly string[];
  readonly #docker: boolean;
  readonly #manifests = new Map<string, Content>();

  /** @param names what to call the image; a layout has the first */
  constructor(name: string, tar: TarWriter, names: readonly string[], docker: boolean) {
    this.name = name;
    this.#tar = tar;
    this.#names = names;
    this.#docker = docker;
    for (const path of ["blobs", "blobs/sha256"]) tar.addDirectory(path);
  }

  async putBlob(descriptor: Descriptor, source: ImageReader): Promise<Outcome> {
    const bytes = () => verified(source.blob(descriptor), descriptor, source.name);
    await this.#tar.addStream(pathOf(descriptor), descriptor.size, bytes);
    return "written";
  }

  async putManifest(content: Content): Promise<void> {
    if (this.#manifests.has(content.descriptor.digest)) return;
    this.#manifests.set(content.descriptor.digest, content);
    this.#tar.addFile(pathOf(content.descriptor), content.bytes);
  }

  async finish(root: Content): Promise<void> {
    await this.putManifest(root);
    if (this.#docker) this.#tar.addFile(DOCKER_INDEX, Buffer.from(JSON.stringify(this.#dockerIndex(root))));
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: [entryOf(root.descriptor, this.#names[0])] };
    this.#tar.addFile(INDEX_FILE, Buffer.from(JSON.stringify(index)));
    this.#tar.addFile(LAYOUT_FILE, Buffer.from(LAYOUT_JSON));
  }

  /** Docker knows no platforms there: the name is that of the image for this machine. */
  #dockerIndex(root: Content): object[] {
    const images = isIndex(root.descriptor)
      ? readIndex(root, this.name).manifests.flatMap((entry) => this.#manifests.get(entry.digest) ?? [])
      : [root];
    const real = images.filter(({ descriptor }) => !isIndex(descriptor));
    const here = real.find(({ descriptor }) => isFor(descriptor.platform, hostPlatform())) ?? real[0];
    return real.flatMap((content) => {
      const { config, layers } = readManifest(content, this.name);
      if (!isImageConfig(config)) return [];
      const RepoTags = content === here && this.#names.length > 0 ? this.#names.map(tagged) : null;
      return [{ Config: pathOf(config), RepoTags, Layers: layers.map(pathOf) }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One image as `docker save` writes it: its layers are decompressed. */
export class DockerArchiveWriter implements ImageWriter {
  readonly name: string;
  readonly #tar: TarWriter;
  readonly #names: readonly string[];
  readonly #signal: AbortSignal;
  /** Digest → what puts it there: the tar takes one layer after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, tar: TarWriter, names: readonly string[], signal: AbortSignal) {
    this.name = name;
    this.#tar = tar;
    this.#names = names;
    this.#signal = signal;
  }

  async putBlob(descriptor: Descriptor, source: ImageReader): Promise<Outcome> {
    const turn = this.#last.then(() => this.#put(descriptor, source));
    // Whoever waits for this one learns of its failure.
    this.#last = turn.catch(() => {});
    await turn;
    return "written";
  }

  async putManifest(): Promise<void> {}

  async finish(root: Content): Promise<void> {
    if (isIndex(root.descriptor))
      throw invalidImage(`A docker archive holds one image, and not an index: ${this.name}. Choose one by --platform`);
    const { config, layers } = readManifest(root, this.name);
    const image = {
      Config: `${hexOf(config)}.json`,
      RepoTags: this.#names.length === 0 ? null : this.#names.map(tagged),
      Layers: layers.map(layerPath),
    };
    this.#tar.addFile(DOCKER_INDEX, Buffer.from(JSON.stringify([image])));
  }

  async #put(descriptor: Descriptor, source: ImageReader): Promise<void> {
    if (compressionOf(descriptor) !== undefined) {
      const open = () => source.blob(descriptor);
      const limits = growthOf(source.maker);
      const bytes = plainLayer(open, descriptor, { place: source.name, signal: this.#signal, limits });
      try {
        await this.#tar.addUnknown(layerPath(descriptor), bytes);
      } catch (error) {
        throw await unreadable(error, open, descriptor, source.name);
      }
      return;
    }
    if (!isImageConfig(descriptor) || descriptor.size > MAX_CONFIG) {
      throw invalidImage(`A docker archive can't hold what is of kind ${descriptor.mediaType}`);
    }
    this.#tar.addFile(`${hexOf(descriptor)}.json`, await wholeOf(source.blob(descriptor), descriptor, source.name));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function layerPath(descriptor: Descriptor): string {
  return `${hexOf(descriptor)}.tar`;
}

/** Docker refuses names without a tag. */
function tagged(name: string): string {
  return /:[\w.-]+$/.test(name) ? name : `${name}:latest`;
}
