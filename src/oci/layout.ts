/** Images as files: an OCI layout that Docker can load too, or the older form of Docker's. */
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { configJson, type Image } from "./image.ts";
import { CONFIG, INDEX, MANIFEST } from "./media-types.ts";
import { isTaggedName } from "./registry/reference.ts";
import type { ImageSpec, OciSpec } from "./schema.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
const FILE = { executable: false };

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly platform?: object;
}

/** The tree of the layout that holds these images in their order. */
export function writeLayout(cas: Cas, spec: OciSpec, images: readonly Image[]): Digest {
  return spec.mode === "oci" ? ociLayout(cas, spec, images) : dockerLayout(cas, images);
}

function ociLayout(cas: Cas, { annotations }: OciSpec, images: readonly Image[]): Digest {
  const tree = new Tree(cas);
  const blobs = tree.makeDirectory("blobs/sha256");
  // A blob's name is its digest, which is also its name in the store.
  const add = (digest: Digest) => blobs.addFile(digest.hash, digest, FILE);
  const manifests: Descriptor[] = [];
  const archive: object[] = [];
  for (const image of images) {
    const { spec, layers } = image;
    const config = cas.write(configJson(image));
    const manifest = cas.write(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: describe(CONFIG, config),
        layers: layers.map(({ mediaType, digest }) => describe(mediaType, digest)),
        annotations: spec.annotations,
      }),
    );
    for (const digest of [config, manifest, ...layers.map((layer) => layer.digest)]) add(digest);
    manifests.push({ ...describe(MANIFEST, manifest), annotations: named(spec), platform: platform(spec) });
    archive.push({
      Config: `blobs/sha256/${config.hash}`,
      RepoTags: repoTags(spec),
      Layers: layers.map(({ digest }) => `blobs/sha256/${digest.hash}`),
    });
  }
  const index = { schemaVersion: 2, mediaType: INDEX, manifests, annotations };
  tree.addFile("index.json", cas.write(JSON.stringify(index)), FILE);
  tree.addFile("oci-layout", cas.write(JSON.stringify({ imageLayoutVersion: "1.0.0" })), FILE);
  // What docker load looks for; it names the same blobs.
  tree.addFile("manifest.json", cas.write(JSON.stringify(archive)), FILE);
  return tree.digest();
}

/** Version 1.2 of Docker's image specification: layers are uncompressed, each in a folder of its own. */
function dockerLayout(cas: Cas, images: readonly Image[]): Digest {
  const tree = new Tree(cas);
  const archive: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const image of images) {
    const { spec, layers } = image;
    const config = cas.write(configJson(image));
    tree.addFile(`${config.hash}.json`, config, FILE);
    let parent: string | undefined;
    for (const { digest } of layers) {
      const folder = tree.makeDirectory(digest.hash);
      folder.addFile("VERSION", cas.write("1.0"), FILE);
      folder.addFile("json", cas.write(JSON.stringify({ id: digest.hash, parent, os: spec.os })), FILE);
      folder.addFile("layer.tar", digest, FILE);
      parent = digest.hash;
    }
    const layerFiles = layers.map(({ digest }) => `${digest.hash}/layer.tar`);
    archive.push({ Config: `${config.hash}.json`, RepoTags: repoTags(spec), Layers: layerFiles });
    for (const tag of spec.tags ?? []) {
      const colon = tag.lastIndexOf(":");
      const name = tag.slice(0, colon);
      repositories[name] = { ...repositories[name], [tag.slice(colon + 1)]: parent ?? "" };
    }
  }
  tree.addFile("manifest.json", cas.write(JSON.stringify(archive)), FILE);
  tree.addFile("repositories", cas.write(JSON.stringify(repositories)), FILE);
  return tree.digest();
}

function describe(mediaType: string, { hash, size }: Digest): Descriptor {
  return { mediaType, digest: `sha256:${hash}`, size };
}

function platform(spec: ImageSpec): object {
  return {
    architecture: spec.architecture,
    os: spec.os,
    "os.version": spec.osVersion,
    "os.features": spec.osFeatures,
    variant: spec.variant,
  };
}

/** Podman takes an image's name from here. */
function named({ tags, indexAnnotations }: ImageSpec): Readonly<Record<string, string>> | undefined {
  const [tag] = tags ?? [];
  return tag === undefined ? indexAnnotations : { [REF_NAME]: tag, ...indexAnnotations };
}

/** Docker takes it from here, and refuses names without a tag. */
function repoTags({ tags, indexAnnotations }: ImageSpec): readonly string[] | null {
  if (tags !== undefined) return tags;
  const name = indexAnnotations?.[REF_NAME];
  return name !== undefined && isTaggedName(name) ? [name] : null;
}
