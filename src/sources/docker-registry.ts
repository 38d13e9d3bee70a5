/** What a `docker` source asks of a registry: manifests of one architecture, and blobs. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { BstError } from "../base/errors.ts";
import type { Content } from "../oci/descriptor.ts";
import { isIndex, parse } from "../oci/manifest.ts";
import { Repository } from "../oci/registry/repository.ts";
import type { RegistryOptions } from "../oci/registry/session.ts";

export interface Manifest {
  readonly text: string;
  /** `sha256:…` of the text. */
  readonly digest: string;
  readonly layers: readonly Layer[];
}

export interface Layer {
  readonly digest: string;
  readonly mediaType: string;
}

/** Old manifests do not say how large layers are. */
const ANY_SIZE = Number.MAX_SAFE_INTEGER;

export class DockerRegistry {
  readonly #repository: Repository;
  readonly #signal: AbortSignal;

  constructor(endpoint: string, image: string, options: RegistryOptions) {
    const place = { host: endpoint.replace(/\/+$/, ""), repository: image.replace(/^\/+|\/+$/g, "") };
    this.#repository = new Repository(place, "pull", options);
    this.#signal = options.signal;
  }

  /**
   * The manifest of a tag or digest; where there is one for each platform that of an architecture.
   * @throws BstError
   */
  async manifest(reference: string, architecture: string): Promise<Manifest> {
    const content = await this.#repository.manifest(reference);
    if (isIndex(content.descriptor)) return this.manifest(platformDigest(content, architecture), architecture);
    const text = content.bytes.toString("utf8");
    return { text, digest: content.descriptor.digest, layers: layersOf(text) };
  }

  /** Writes a blob to a file. @throws BstError, if it has another digest */
  async blob(digest: string, target: string): Promise<void> {
    const hash = createHash("sha256");
    const blob = this.#repository.blob({ digest, size: ANY_SIZE });
    const hashed = async function* () {
      for await (const chunk of blob) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(hashed, createWriteStream(target), { signal: this.#signal });
    const found = `sha256:${hash.digest("hex")}`;
    if (found !== digest)
      throw new BstError("source", `The registry has a blob of digest ${found} where ${digest} should be`);
  }
}

/** @throws BstError */
export function layersOf(manifest: string): Layer[] {
  const { layers } = parse(Buffer.from(manifest), "The manifest");
  if (!Array.isArray(layers)) throw new BstError("source", "The manifest has no layers", { detail: manifest });
  return layers.map((layer: unknown) => {
    const { digest, mediaType } = isRecord(layer) ? layer : {};
    // It becomes a part of paths.
    if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new BstError("source", "The manifest has a layer without a digest", { detail: manifest });
    }
    return { digest, mediaType: String(mediaType) };
  });
}

function platformDigest({ bytes }: Content, architecture: string): string {
  const { manifests } = parse(bytes, "The index");
  for (const entry of Array.isArray(manifests) ? manifests : []) {
    const { platform, digest } = isRecord(entry) ? entry : {};
    const isFor = isRecord(platform) && platform["architecture"] === architecture && platform["os"];
    if (isFor && typeof digest === "string") return digest;
  }
  throw new BstError("source", `There is no image for the architecture ${architecture}`, {
    detail: bytes.toString("utf8"),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
