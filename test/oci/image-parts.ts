/** Images as tests make them by hand: layouts in folders, whole or damaged. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { CONFIG, INDEX, LAYER, LAYER_GZIP, MANIFEST } from "../../src/oci/media-types.ts";
import { tempDir } from "../helpers.ts";
import { archive, directory, type Member } from "../sources/tar-writer.ts";

export const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export interface ImageOptions {
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly layers?: readonly Buffer[];
  /** Changes to the configuration and the manifest. */
  readonly config?: object;
  readonly manifest?: object;
  readonly compress?: (plain: Buffer) => Buffer;
  readonly layerType?: string;
  readonly entry?: object;
}

const files: readonly Member[] = [directory("etc"), { name: "etc/os", content: "some system" }];
export const layer: Buffer = archive(files);
export const second: Buffer = archive([{ name: "srv/app", content: "x".repeat(100_000) }]);

export class LayoutMaker {
  readonly folder: string = tempDir("layout");
  readonly entries: object[] = [];

  put(bytes: Buffer, mediaType: string): Descriptor {
    const digest = digestOf(bytes);
    const path = join(this.folder, "blobs/sha256", digest.slice(7));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  putJson(value: object, mediaType: string): Descriptor {
    return this.put(Buffer.from(JSON.stringify(value)), mediaType);
  }

  image(options: ImageOptions = {}): Descriptor {
    const { platform = { os: "linux", architecture: "amd64" }, layers = [layer, second] } = options;
    const { compress = gzipSync, layerType = compress === gzipSync ? LAYER_GZIP : LAYER } = options;
    const rootfs = { type: "layers", diff_ids: layers.map(digestOf) };
    const history = [{ created_by: "a" }, { created_by: "nothing", empty_layer: true }, { created_by: "b" }];
    const config = this.putJson({ ...platform, config: { Env: ["A=b"] }, rootfs, history, ...options.config }, CONFIG);
    const stored = layers.map((bytes) => this.put(compress(bytes), layerType));
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: stored, ...options.manifest };
    return { ...this.putJson(manifest, MANIFEST), platform, ...options.entry };
  }

  index(images: readonly Descriptor[]): Descriptor {
    return this.putJson({ schemaVersion: 2, mediaType: INDEX, manifests: images }, INDEX);
  }

  /** @param name by its annotation */
  add(root: Descriptor, name?: string): this {
    const annotations = name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } };
    this.entries.push({ ...root, ...annotations });
    writeFileSync(join(this.folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: this.entries }));
    writeFileSync(join(this.folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    return this;
  }

  path({ digest }: Pick<Descriptor, "digest">): string {
    return join(this.folder, "blobs/sha256", digest.slice(7));
  }

  json<T>(descriptor: Pick<Descriptor, "digest">): T {
    return JSON.parse(readFileSync(this.path(descriptor), "utf8"));
  }
}
