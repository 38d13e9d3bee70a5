/** Source kind `docker`: the files of an image in a container registry. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { machine } from "node:os";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import { digestOfFile } from "../cas/digest.ts";
import type { Tree } from "../cas/tree.ts";
import { digestText } from "../oci/descriptor.ts";
import type { SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { stageLayers } from "./docker-layers.ts";
import { DockerRegistry, type Layer, layersOf } from "./docker-registry.ts";
import { firstCandidate } from "./mirror-file.ts";
import { ofSource, registryOptions } from "./registry-credentials.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";

const DOCKER_HUB = "https://registry.hub.docker.com";
const LAYERS = ["application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+gzip"];
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** Where an image is. */
interface Place {
  readonly registry: string;
  /** As declared: with a leading slash where it comes from a URL. */
  readonly image: string;
}

class DockerSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  /** Undefined where the declared URL has it. */
  readonly #image: string | undefined;
  readonly #place: Place;
  readonly #tag: string | undefined;
  readonly #architecture: string;
  readonly #version: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    const url = config.string("url");
    this.#image = config.string("image");
    if ((url === undefined) === (this.#image === undefined) || (url !== undefined && config.has("registry-url"))) {
      throw new BstError("source", `${context.provenance}: Say either 'url', or 'image' and perhaps 'registry-url'`);
    }
    this.#declaredUrl = url ?? config.string("registry-url") ?? DOCKER_HUB;
    this.#place = this.#placeOf(context.resolveUrl(this.#declaredUrl));
    this.#tag = config.string("track") || undefined;
    this.#architecture = config.string("architecture") || (ARCHITECTURES[machine()] ?? machine());
    this.#version = config.string("version");
  }

  uniqueKey(): KeyValue {
    const { ref } = this;
    return [
      this.#declaredUrl,
      ...(this.#image === undefined ? [] : [this.#image]),
      ref === undefined ? null : `sha256:${ref}`,
      ...(this.#version === undefined ? [] : [this.#version]),
    ];
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    const layers = this.#keptLayers(io);
    return layers?.every(({ digest }) => existsSync(layerFile(io, digest))) ?? false;
  }

  async track(io: SourceIo): Promise<string | undefined> {
    const tag = this.#tag;
    if (tag === undefined) return undefined;
    return firstCandidate(this.#context, this.#declaredUrl, "track", async ({ url }) => {
      const manifest = await io.activity(`Looking for the tag ${tag} at ${url}`, () =>
        ofSource(this.#context.provenance, () => this.#registry(url, io).manifest(tag, this.#architecture)),
      );
      return manifest.digest.slice("sha256:".length);
    });
  }

  async fetch(io: SourceIo): Promise<void> {
    const digest = `sha256:${this.ref}`;
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", ({ url }) =>
      io.activity(`Fetching the image ${digest} from ${url}`, () =>
        withTemporary(io.mirrorDirectory, (directory) =>
          ofSource(this.#context.provenance, () => this.#fetch(this.#registry(url, io), digest, directory, io)),
        ),
      ),
    );
  }

  async #fetch(registry: DockerRegistry, digest: string, directory: string, io: SourceIo): Promise<void> {
    const manifest = await registry.manifest(digest, this.#architecture);
    if (manifest.digest !== digest) {
      throw new BstError("source", `${this.#context.provenance}: The ref is of several images, not of one`);
    }
    for (const { digest: layer, mediaType } of manifest.layers) {
      if (!LAYERS.includes(mediaType)) {
        throw new BstError("source", `${this.#context.provenance}: Layers of type ${mediaType} are not known`);
      }
      const target = layerFile(io, layer);
      if (existsSync(target) && `sha256:${digestOfFile(target).hash}` === layer) continue;
      const temporary = join(directory, layer);
      await registry.blob(layer, temporary);
      renameSync(temporary, target);
    }
    // Last, so that it is never there without them.
    const temporary = join(directory, "manifest");
    writeFileSync(temporary, manifest.text);
    renameSync(temporary, manifestFile(io, digest));
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const layers = this.#keptLayers(io);
    if (layers === undefined) throw new BstError("source", `${this.#context.provenance}: The image is not here`);
    const paths = layers.map(({ digest }) => layerFile(io, digest));
    await stageLayers(tree, io, paths, `${this.#context.provenance}: Cannot unpack the image`);
  }

  info(): readonly SourceInfo[] {
    const { registry, image } = this.#place;
    return [
      {
        url: registry,
        medium: "oci-image",
        versionType: "oci-digest",
        version: this.ref === undefined ? undefined : `sha256:${this.ref}`,
        ...(this.#version !== undefined && { versionGuess: this.#version }),
        extraData: { "image-name": image.replace(/^\/+/, "") },
      },
    ];
  }

  #placeOf(url: string): Place {
    if (this.#image !== undefined) return { registry: url, image: this.#image };
    const [, registry = "", image = ""] = /^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?(?:\/\/[^/?#]*)?)([^?#]*)/.exec(url) ?? [];
    return { registry, image };
  }

  #registry(url: string, io: SourceIo): DockerRegistry {
    const { registry, image } = this.#placeOf(url);
    return new DockerRegistry(registry, image, registryOptions(io));
  }

  /** The layers of the manifest that is kept, if it is and nobody changed it. */
  #keptLayers(io: Pick<SourceIo, "mirrorDirectory">): readonly Layer[] | undefined {
    const digest = `sha256:${this.ref}`;
    let manifest: Buffer;
    try {
      manifest = readFileSync(manifestFile(io, digest));
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
    return digestText(manifest) === digest ? layersOf(manifest.toString("utf8")) : undefined;
  }
}

function manifestFile(io: Pick<SourceIo, "mirrorDirectory">, digest: string): string {
  return join(io.mirrorDirectory, `${digest}.manifest.json`);
}

function layerFile(io: Pick<SourceIo, "mirrorDirectory">, digest: string): string {
  return join(io.mirrorDirectory, `${digest}.tar.gz`);
}

export const docker: SourceKind = {
  kind: "docker",
  isPlugin: true,
  schema: record({
    architecture: text,
    "registry-url": text,
    image: text,
    os: text,
    ref: text,
    track: text,
    url: text,
    version: text,
  }),
  configure: (config, context) => new DockerSource(config, context),
};
