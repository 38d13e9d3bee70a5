/** Source kind `oci_image`: an image of a registry as an OCI layout, for elements of kind `oci` to build on. */
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import { readPart } from "../oci/copy.ts";
import { type Content, type Descriptor, hexOf, type Platform } from "../oci/descriptor.ts";
import { invalidImage } from "../oci/json.ts";
import { isAttestation, isIndex, readIndex } from "../oci/manifest.ts";
import { choose, formatPlatform, parsePlatform } from "../oci/platform.ts";
import { isDigest, repositoryAt } from "../oci/registry/reference.ts";
import { Repository } from "../oci/registry/repository.ts";
import { BlobFolder } from "../oci/transport/blob-folder.ts";
import { INDEX_FILE, indexOf, pathOf } from "../oci/transport/layout-reader.ts";
import { LAYOUT_FILE, LAYOUT_JSON } from "../oci/transport/layout-writer.ts";
import { RegistryReader } from "../oci/transport/registry.ts";
import type { SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { firstCandidate } from "./mirror-file.ts";
import { fetchImage, type KeptImage, keptImages } from "./oci-image-mirror.ts";
import { ofSource, ofSourceNow, registryOptions } from "./registry-credentials.ts";
import { TextRefSource } from "./text-ref-source.ts";

const FILE = { executable: false };
const ALL = "all";

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

class OciImageSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  readonly #url: string;
  /** Places of these words, or of the source. */
  readonly #urlAt: string;
  readonly #platformAt: string;
  #refAt: string;
  readonly #tag: string | undefined;
  /** Undefined for the only one that there is. */
  readonly #platform: Platform | typeof ALL | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    this.#declaredUrl = withScheme(config.required("url", config.string("url")));
    this.#url = context.resolveUrl(this.#declaredUrl);
    const at = (key: string) => placeIn(config, key) ?? context.provenance;
    this.#urlAt = at("url");
    this.#platformAt = at("platform");
    this.#refAt = at("ref");
    ofSourceNow(this.#urlAt, () => placeOf(this.#url, this.#urlAt));
    this.#tag = config.string("track") || undefined;
    const platform = config.string("platform");
    this.#platform =
      platform === undefined || platform === ALL
        ? platform
        : ofSourceNow(this.#platformAt, () => parsePlatform(platform));
  }

  override loadRef(node: MappingNode): void {
    super.loadRef(node);
    this.#refAt = placeIn(node, "ref") ?? this.#refAt;
  }

  /** Where an image is from changes nothing in it. */
  uniqueKey(): KeyValue {
    const platform = this.#platform === ALL ? ALL : this.#platform && formatPlatform(this.#platform);
    return { ref: this.ref ?? null, ...(platform !== undefined && { platform }) };
  }

  isCached(io: MirrorIo): boolean {
    return this.#kept(io) !== undefined;
  }

  async track(io: SourceIo): Promise<string | undefined> {
    const tag = this.#tag;
    if (tag === undefined) return undefined;
    return firstCandidate(this.#context, this.#declaredUrl, "track", ({ url }) =>
      io.activity(`Looking for the tag ${tag} at ${url}`, () =>
        this.#ofSource(async () => {
          const found = await this.#repository(url, io).manifest(tag);
          // So that it shows now that the tag is of no use, and not when it is fetched.
          if (isIndex(found.descriptor)) this.#chosen(readIndex(found, url).manifests, url);
          return found.descriptor.digest;
        }),
      ),
    );
  }

  async fetch(io: SourceIo): Promise<void> {
    const digest = this.#digest();
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", ({ url }) =>
      io.activity(`Fetching the image ${digest} from ${url}`, () =>
        this.#ofSource(() => this.#fetch(this.#repository(url, io), io)),
      ),
    );
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const { cas } = io;
    const images = this.#kept(io);
    if (images === undefined) throw new BstError("source", `${this.#context.provenance}: The image is not here`);
    const folder = new BlobFolder(io.mirrorDirectory);
    tree.makeDirectory("blobs/sha256");
    for (const { manifest, blobs } of images) {
      for (const blob of [manifest.descriptor, ...blobs]) {
        io.signal.throwIfAborted();
        const digest = cas.importFile(folder.path(blob));
        if (digest.hash !== hexOf(blob)) {
          throw new BstError("source", `${this.#context.provenance}: The image that is kept here is damaged`, {
            detail: `Remove ${folder.path(blob)} to have it fetched again.`,
          });
        }
        tree.addFile(pathOf(blob), digest, FILE);
      }
    }
    const index = indexOf(images.map(({ manifest }) => manifest.descriptor));
    tree.addFile(INDEX_FILE, cas.write(index.bytes), FILE);
    tree.addFile(LAYOUT_FILE, cas.write(LAYOUT_JSON), FILE);
  }

  info(): readonly SourceInfo[] {
    return [{ url: this.#url, medium: "oci-image", versionType: "oci-digest", version: this.ref }];
  }

  /** Layers first, and what names others after these: it is never there without them. */
  async #fetch(repository: Repository, io: SourceIo): Promise<void> {
    const folder = new BlobFolder(io.mirrorDirectory);
    folder.removeAbandoned();
    const digest = this.#digest();
    await using reader = new RegistryReader(repository, { host: repository.host, repository: repository.name, digest });
    const root = await reader.root();
    const platform = this.#platform === ALL ? undefined : this.#platform;
    for (const manifest of await this.#images(root, (image) => readPart(reader, image))) {
      await fetchImage(reader, manifest, folder, { platform, signal: io.signal });
    }
    await folder.put(root.descriptor, root.bytes, reader.name);
  }

  /** What is kept of each image; undefined where something is missing. */
  #kept(io: MirrorIo): readonly KeptImage[] | undefined {
    if (this.ref === undefined) return undefined;
    return ofSourceNow(this.#context.provenance, () =>
      keptImages(new BlobFolder(io.mirrorDirectory), this.#digest(), (images) => this.#chosen(images, this.#url)),
    );
  }

  async #images(root: Content, read: (image: Descriptor) => Promise<Content>): Promise<readonly Content[]> {
    if (!isIndex(root.descriptor)) return [root];
    const images: Content[] = [];
    for (const image of this.#chosen(readIndex(root, "The image").manifests, this.#url)) {
      if (isIndex(image)) throw invalidImage(`${root.descriptor.digest} is an index of indexes`);
      images.push(await read(image));
    }
    return images;
  }

  /** @throws BstError domain element, where there are several and none was chosen */
  #chosen(images: readonly Descriptor[], name: string): readonly Descriptor[] {
    const wanted = this.#platform;
    if (wanted !== ALL) return [ofSourceNow(this.#platformAt, () => choose(images, wanted, name))];
    return images.filter((image) => !isAttestation(image));
  }

  /** It becomes a part of paths. */
  #digest(): string {
    if (isDigest(this.ref)) return this.ref;
    throw new BstError("source", `${this.#refAt}: The ref is no SHA-256 digest: ${this.ref}`);
  }

  #repository(url: string, io: SourceIo): Repository {
    return new Repository(placeOf(url, this.#urlAt), "pull", registryOptions(io));
  }

  #ofSource<T>(step: () => Promise<T>): Promise<T> {
    return ofSource(this.#context.provenance, step);
  }
}

/** Of a word that somebody wrote. */
function placeIn(node: MappingNode, key: string): string | undefined {
  const found = node.get(key);
  return found === undefined || found.isSynthetic ? undefined : found.provenance;
}

/** A host with a port is no alias, nor is what stands before a tag. */
function withScheme(url: string): string {
  const plain = url.replace(/^docker:\/\//, "");
  return plain !== url || /^[\w.-]+(:\d+\/|\/[^:]*:)/.test(plain) ? `https://${plain}` : plain;
}

/** @throws BstError domain remote, reason invalid-image-reference */
function placeOf(url: string, provenance: string): { readonly host: string; readonly repository: string } {
  const { host, repository, tag, digest } = repositoryAt(url);
  if (tag !== undefined || digest !== undefined) {
    throw new BstError("source", `${provenance}: The URL of an image has neither a tag nor a digest: ${url}`, {
      detail: "Say the tag under 'track'; the digest is the ref.",
    });
  }
  return { host, repository };
}

export const ociImage: SourceKind = {
  kind: "oci_image",
  schema: record({ url: text, ref: text, track: text, platform: text }, ["url"]),
  configure: (config, context) => new OciImageSource(config, context),
};
