/** Copies what is said of images beside them: artifacts that refer to them, and what cosign keeps under tags. */
import { BstError } from "../base/errors.ts";
import { copyImage, type Parts, readPart } from "./copy.ts";
import { type Content, type Descriptor, readDescriptor } from "./descriptor.ts";
import { invalidImage } from "./json.ts";
import { isIndex, parse, readManifest } from "./manifest.ts";
import { cosignTag, KINDS } from "./statement-tags.ts";
import { type ImageReader, type ImageWriter, relay } from "./transport/types.ts";

/** What is said may be said of again, and nothing has so much said of it. */
const MOST = 1000;

/** One to a place that can hold more than images. */
export type ReferrerWriter = ImageWriter & Required<Pick<ImageWriter, "refer" | "tag">>;

/** @throws BstError domain element, reason no-referrers, for a place that can hold none */
export function requireReferrers(writer: ImageWriter): asserts writer is ReferrerWriter {
  if (writer.refer !== undefined && writer.tag !== undefined) return;
  throw new BstError("element", `${writer.name} holds an image alone, and nothing that is said of it`, {
    reason: "no-referrers",
    detail: "Signatures and lists of parts can be copied to registries and to folders (oci:FOLDER).",
  });
}

/**
 * Copies what is said of an image and its parts, and what is said of that, to where the image was copied.
 * @returns the digests of what was copied, each with that of what it is about
 * @throws BstError
 */
export async function copyReferrers(
  reader: ImageReader,
  writer: ReferrerWriter,
  { root, manifests }: Parts,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const copy = async (content: Content, subject: string, finish: () => Promise<void>) => {
    found.set(content.descriptor.digest, subject);
    if (found.size > MOST) throw invalidImage(`${reader.name} has more than ${MOST} things said of one image`);
    const part = { ...relay(reader), root: async () => content };
    await copyImage(part, placing(writer, content, finish), { select: "all", signal });
  };
  const pending = [root, ...manifests].map(({ descriptor }) => descriptor.digest);
  for (let subject = pending.pop(); subject !== undefined; subject = pending.pop()) {
    for (const descriptor of (await reader.referrers?.(subject)) ?? []) {
      if (found.has(descriptor.digest)) continue;
      const content = await readPart(reader, descriptor);
      if (!isAbout(content, subject)) continue;
      const entry = withType(content, reader.name);
      await copy(content, subject, () => writer.refer(entry));
      pending.push(descriptor.digest);
    }
    for (const kind of KINDS) {
      const name = cosignTag(subject, kind);
      const content = await reader.tagged?.(name);
      if (content !== undefined) await copy(content, subject, () => writer.tag(name, content));
    }
  }
  return found;
}

/** The same writer, of which the image that is there already keeps its name. */
function placing(writer: ImageWriter, content: Content, finish: () => Promise<void>): ImageWriter {
  return {
    name: writer.name,
    putBlob: (descriptor, source) => writer.putBlob(descriptor, source),
    putManifest: (part) => writer.putManifest(part),
    async finish() {
      await writer.putManifest(content);
      await finish();
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Whoever lists it may say so of anything. */
function isAbout({ bytes, descriptor }: Content, subject: string): boolean {
  const said = parse(bytes, descriptor.digest)["subject"];
  return said !== undefined && readDescriptor(said, "The subject").digest === subject;
}

/** With what kind of artifact it is, which registries tell, or not. */
function withType(content: Content, name: string): Descriptor {
  const { descriptor } = content;
  if (descriptor.artifactType !== undefined || isIndex(descriptor)) return descriptor;
  const { artifactType, config } = readManifest(content, name);
  return { ...descriptor, artifactType: artifactType ?? config.mediaType };
}
