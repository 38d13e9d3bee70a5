/** Documents about images, kept beside them as artifacts that refer to them. */
import { type Content, type Descriptor, describeBytes } from "./descriptor.ts";
import { invalidImage } from "./json.ts";
import { MANIFEST } from "./media-types.ts";
import type { ImageReader, ImageWriter } from "./transport/types.ts";

export interface Attachment {
  /** Also the kind of the manifest that holds it. */
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** What to call the document as a file. */
  readonly title: string;
}

const EMPTY = Buffer.from("{}");
const EMPTY_DESCRIPTOR = describeBytes("application/vnd.oci.empty.v1+json", EMPTY);

/**
 * Writes a document that refers to a manifest, which must be there.
 * @returns what holds the document
 * @throws BstError
 */
export async function attach(writer: ImageWriter, subject: Descriptor, attachment: Attachment): Promise<Descriptor> {
  const { mediaType, bytes, title } = attachment;
  const blob = { ...describeBytes(mediaType, bytes), annotations: { "org.opencontainers.image.title": title } };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: mediaType,
    config: EMPTY_DESCRIPTOR,
    layers: [blob],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
  };
  const content = contentOf(manifest);
  const source = memoryReader(title, [EMPTY, bytes]);
  for (const each of [EMPTY_DESCRIPTOR, blob]) await writer.putBlob(each, source);
  await writer.putManifest(content);
  return { ...content.descriptor, artifactType: mediaType };
}

export function contentOf(manifest: object): Content {
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { descriptor: describeBytes(MANIFEST, bytes), bytes };
}

/** Blobs that are nowhere yet. */
export function memoryReader(name: string, blobs: readonly Buffer[]): ImageReader {
  const known = new Map(blobs.map((bytes) => [describeBytes("", bytes).digest, bytes]));
  const absent = () => {
    throw invalidImage(`${name} is no image`);
  };
  return {
    name,
    tags: async () => [],
    root: async () => absent(),
    manifest: async () => absent(),
    async *blob({ digest }) {
      yield known.get(digest) ?? absent();
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
