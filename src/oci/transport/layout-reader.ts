/** Reads an OCI layout. */
import { BstError } from "../../base/errors.ts";
import { type Content, type Descriptor, describeBytes, digestText, hexOf, readDescriptor } from "../descriptor.ts";
import type { Maker } from "../growth.ts";
import { invalidImage } from "../json.ts";
import { type ImageIndex, isIndex, isManifest, MAX_MANIFEST, parse, readIndex } from "../manifest.ts";
import { INDEX } from "../media-types.ts";
import { isStatementTag, referrersTag } from "../statement-tags.ts";
import { DOCKER_INDEX, dockerTags } from "./docker-index.ts";
import { type ImageFiles, readFile } from "./files.ts";
import type { ImageReader } from "./types.ts";

/** What a layout calls an image. */
export const REF_NAME = "org.opencontainers.image.ref.name";
/** What is said of an entry of a layout, and not of the image. */
const OF_LAYOUT = new Set([REF_NAME, "io.containerd.image.name"]);

export const INDEX_FILE = "index.json";

export class LayoutReader implements ImageReader {
  readonly name: string;
  readonly choice?: string;
  readonly maker: Maker | undefined;
  readonly #files: ImageFiles;
  readonly #ref: string | undefined;

  /**
   * @param ref what the layout calls the image; without it all that there is
   * @param choice how to say the former, where that is possible
   */
  constructor(files: ImageFiles, ref: string | undefined, choice?: string) {
    if (ref === undefined && choice !== undefined) this.choice = choice;
    this.#files = files;
    this.maker = files.maker;
    this.#ref = ref;
    this.name = ref === undefined ? files.name : `${files.name}:${ref}`;
  }

  async root(): Promise<Content> {
    const [only, ...others] = await this.#entries();
    if (only === undefined) throw invalidImage(`${this.#files.name} holds no image`);
    if (others.length === 0) return this.manifest(withoutNames(only));
    return indexOf([only, ...others].map(withoutNames), (await this.#index()).annotations);
  }

  /** Of the images that are meant; where Docker can load it, all the names that it then has. */
  async tags(): Promise<readonly string[]> {
    const named = (await this.#entries()).flatMap(({ annotations }) => annotations?.[REF_NAME] ?? []);
    if (this.#ref !== undefined || this.#files.sizeOf(DOCKER_INDEX) === undefined) return [...new Set(named)];
    return [...new Set([...named, ...(await dockerTags(this.#files))])];
  }

  async annotations(): Promise<Readonly<Record<string, string>>> {
    return (await this.#index()).annotations ?? {};
  }

  async manifest(descriptor: Descriptor): Promise<Content> {
    if (!isIndex(descriptor) && !isManifest(descriptor)) {
      throw invalidImage(`${this.name} holds something of an unknown kind: ${descriptor.mediaType}`);
    }
    const bytes = await readFile(this.#files, pathOf(descriptor), MAX_MANIFEST);
    if (bytes.length !== descriptor.size || digestText(bytes) !== descriptor.digest) {
      throw invalidImage(`${this.name} is damaged: ${descriptor.digest} is not what its name says`);
    }
    return { descriptor, bytes };
  }

  blob(descriptor: Descriptor): AsyncIterable<Buffer> {
    const path = pathOf(descriptor);
    if (this.#files.sizeOf(path) === undefined) throw invalidImage(`${this.name} has no blob ${descriptor.digest}`);
    return this.#files.read(path);
  }

  async #index(): Promise<ImageIndex> {
    const bytes = await readFile(this.#files, INDEX_FILE, MAX_MANIFEST);
    return readIndex({ descriptor: describeBytes(INDEX, bytes), bytes }, this.#files.name);
  }

  async referrers(digest: string): Promise<readonly Descriptor[]> {
    const found = new Map<string, Descriptor>();
    for (const entry of (await this.#index()).manifests) {
      if ((await this.#subjectOf(entry)) === digest) found.set(entry.digest, withoutNames(entry));
    }
    // Some programs keep a list, as in registries that don't know what refers to what.
    const list = await this.tagged(referrersTag(digest));
    const listed = list !== undefined && isIndex(list.descriptor) ? readIndex(list, this.name).manifests : [];
    for (const entry of listed) if (!found.has(entry.digest)) found.set(entry.digest, entry);
    return [...found.values()];
  }

  /** The digest of what a manifest says something about. */
  async #subjectOf(entry: Descriptor): Promise<string | undefined> {
    if (!isManifest(entry)) return undefined;
    const { subject } = parse((await this.manifest(entry)).bytes, entry.digest);
    return subject === undefined ? undefined : readDescriptor(subject, "The subject").digest;
  }

  async tagged(tag: string): Promise<Content | undefined> {
    const entry = (await this.#index()).manifests.find(({ annotations }) => annotations?.[REF_NAME] === tag);
    return entry && this.manifest(withoutNames(entry));
  }

  async #entries(): Promise<readonly Descriptor[]> {
    const { manifests } = await this.#index();
    if (this.#ref !== undefined) return this.#named(manifests);
    if (manifests.length < 2) return manifests;
    // What is said of images stands beside them.
    const images: Descriptor[] = [];
    for (const entry of manifests) {
      const isStatement = entry.artifactType !== undefined || isStatementTag(entry.annotations?.[REF_NAME] ?? "");
      if (!isStatement && (await this.#subjectOf(entry)) === undefined) images.push(entry);
    }
    return images.length > 0 ? images : manifests;
  }

  #named(entries: readonly Descriptor[]): readonly Descriptor[] {
    const found = entries.filter(({ annotations }) => annotations?.[REF_NAME] === this.#ref);
    if (found.length > 0) return found;
    const all = entries.flatMap(({ annotations }) => annotations?.[REF_NAME] ?? []);
    const names = all.filter((name) => !isStatementTag(name));
    throw new BstError("element", `${this.#files.name} holds no image of the name '${this.#ref}'`, {
      reason: "no-such-image",
      detail: names.length === 0 ? "Its images have no names." : `It holds: ${names.join(", ")}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files[Symbol.dispose]();
  }
}

export function pathOf(descriptor: Pick<Descriptor, "digest">): string {
  return `blobs/sha256/${hexOf(descriptor)}`;
}

/** An index of images that is nowhere yet. */
export function indexOf(
  manifests: readonly Descriptor[],
  annotations?: Readonly<Record<string, string>> | undefined,
): Content {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests, annotations }));
  return { descriptor: describeBytes(INDEX, bytes), bytes };
}

function withoutNames({ annotations, ...entry }: Descriptor): Descriptor {
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !OF_LAYOUT.has(key));
  return kept.length === 0 ? entry : { ...entry, annotations: Object.fromEntries(kept) };
}
