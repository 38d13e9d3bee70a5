/** Images in registries, as readers and writers have them. */
import type { Content, Descriptor } from "../descriptor.ts";
import type { BegunUploads } from "../registry/begun-uploads.ts";
import type { BlobPlaces } from "../registry/places.ts";
import { formatReference, type ImageReference, referenceOf } from "../registry/reference.ts";
import type { Repository } from "../registry/repository.ts";
import type { ImageReader, ImageWriter, Outcome } from "./types.ts";

export class RegistryReader implements ImageReader {
  readonly name: string;
  readonly repository: { readonly host: string; readonly name: string };
  readonly #repository: Repository;
  readonly #reference: ImageReference;
  readonly #places: BlobPlaces | undefined;

  /** @param places are told what was read here */
  constructor(repository: Repository, reference: ImageReference, places?: BlobPlaces) {
    this.#places = places;
    this.#repository = repository;
    this.#reference = reference;
    this.repository = { host: repository.host, name: repository.name };
    this.name = `${repository.host}/${repository.name}`;
  }

  root(): Promise<Content> {
    return this.#repository.manifest(referenceOf(this.#reference));
  }

  async tags(): Promise<readonly string[]> {
    const { host, repository, tag, digest } = this.#reference;
    return tag === undefined && digest !== undefined
      ? []
      : [formatReference({ host, repository, tag: tag ?? "latest" })];
  }

  referrers(digest: string): Promise<readonly Descriptor[]> {
    return this.#repository.referrers(digest);
  }

  async tagged(tag: string): Promise<Content | undefined> {
    return (await this.#repository.resolve(tag)) === undefined ? undefined : await this.#repository.manifest(tag);
  }

  async manifest(descriptor: Descriptor): Promise<Content> {
    const { bytes } = await this.#repository.manifest(descriptor.digest);
    return { descriptor, bytes };
  }

  blob(descriptor: Descriptor): AsyncIterable<Buffer> {
    return this.blobFrom(descriptor, 0);
  }

  async *blobFrom(descriptor: Descriptor, offset: number): AsyncGenerator<Buffer> {
    yield* this.#repository.blob(descriptor, offset);
    this.#places?.remember({ host: this.#repository.host, repository: this.#repository.name }, descriptor);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export interface RegistryWriterOptions {
  /** Bytes of the pieces of uploads. */
  readonly chunkSize?: number | undefined;
  /** Know where else blobs are, and are told what is here. */
  readonly places?: BlobPlaces | undefined;
  /** Know what earlier commands sent a part of. */
  readonly uploads?: BegunUploads | undefined;
}

export class RegistryWriter implements ImageWriter {
  readonly name: string;
  readonly #repository: Repository;
  readonly #tags: readonly string[];
  readonly #chunkSize: number | undefined;
  readonly #places: BlobPlaces | undefined;
  readonly #uploads: BegunUploads | undefined;

  /** @param tags what to call the image; with none only its digest names it */
  constructor(repository: Repository, tags: readonly string[], options: RegistryWriterOptions = {}) {
    const { chunkSize, places, uploads } = options;
    this.#places = places;
    this.#uploads = uploads;
    this.name = `${repository.host}/${repository.name}${tags.map((tag) => `:${tag}`).join(" and ")}`;
    this.#repository = repository;
    this.#tags = tags;
    this.#chunkSize = chunkSize;
  }

  async putBlob(descriptor: Descriptor, source: ImageReader): Promise<Outcome> {
    const { repository } = source;
    const place = { host: this.#repository.host, repository: this.#repository.name };
    const isNear = repository?.host === place.host;
    const mountFrom = isNear ? () => repository.name : () => this.#places?.find(place, descriptor);
    using record = this.#uploads?.of(place, descriptor);
    const outcome = await this.#repository.upload(descriptor, () => source.blob(descriptor), {
      mountFrom,
      ...(record !== undefined && { record }),
      ...(this.#chunkSize !== undefined && { chunkSize: this.#chunkSize }),
    });
    this.#places?.remember(place, descriptor);
    return outcome === "uploaded" ? "written" : outcome;
  }

  async putManifest(content: Content): Promise<void> {
    const { digest } = content.descriptor;
    if ((await this.#repository.resolve(digest)) !== digest) await this.#repository.putManifest(digest, content);
  }

  async finish(root: Content): Promise<void> {
    for (const tag of this.#tags) await this.tag(tag, root);
  }

  /** Whoever takes a manifest lists what it refers to. */
  async refer(): Promise<void> {}

  async tag(tag: string, content: Content): Promise<void> {
    if ((await this.#repository.resolve(tag)) === content.descriptor.digest) return;
    await this.#repository.putManifest(tag, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
