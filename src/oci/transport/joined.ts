/** Several images as one index, for one name with several platforms. */
import { BstError } from "../../base/errors.ts";
import { partsOf, platformOfImage } from "../copy.ts";
import type { Content, Descriptor } from "../descriptor.ts";
import { invalidImage } from "../json.ts";
import { isAttestation, isIndex, readIndex } from "../manifest.ts";
import { formatPlatform } from "../platform.ts";
import { indexOf } from "./layout-reader.ts";
import type { ImageReader } from "./types.ts";

export class JoinedReader implements ImageReader {
  readonly name: string;
  readonly #readers: readonly ImageReader[];
  /** Digest → who has it. */
  readonly #owners = new Map<string, ImageReader>();

  constructor(readers: readonly ImageReader[]) {
    this.#readers = readers;
    this.name = readers.map(({ name }) => name).join(", ");
  }

  async tags(): Promise<readonly string[]> {
    return (await this.#readers[0]?.tags()) ?? [];
  }

  /** @throws BstError where two images are for the same platform */
  async root(): Promise<Content> {
    const entries: Descriptor[] = [];
    let annotations: Readonly<Record<string, string>> = {};
    for (const reader of this.#readers) {
      const { root, manifests, blobs } = await partsOf(reader, "all");
      for (const { digest } of [root.descriptor, ...manifests.map(({ descriptor }) => descriptor), ...blobs]) {
        this.#owners.set(digest, reader);
      }
      annotations = { ...(await reader.annotations?.()), ...annotations };
      if (isIndex(root.descriptor)) entries.push(...readIndex(root, reader.name).manifests);
      else entries.push({ ...root.descriptor, platform: await platformOfImage(reader, root) });
    }
    requirePlatforms(entries);
    const unique = [...new Map(entries.map((entry) => [entry.digest, entry])).values()];
    return indexOf(unique, Object.keys(annotations).length > 0 ? annotations : undefined);
  }

  manifest(descriptor: Descriptor): Promise<Content> {
    return this.#owner(descriptor).manifest(descriptor);
  }

  blob(descriptor: Descriptor): AsyncIterable<Buffer> {
    return this.#owner(descriptor).blob(descriptor);
  }

  #owner({ digest }: Descriptor): ImageReader {
    const owner = this.#owners.get(digest);
    if (owner === undefined) throw invalidImage(`${this.name} has no ${digest}`);
    return owner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) await reader[Symbol.asyncDispose]();
  }
}

/** @throws BstError domain element, reason duplicate-platform, where two images of an index are for the same */
export function requirePlatforms(entries: readonly Descriptor[]): void {
  const platforms = new Map<string, Descriptor>();
  for (const entry of entries) {
    if (isAttestation(entry)) continue;
    const platform = describePlatform(entry);
    if (platforms.has(platform) && platforms.get(platform)?.digest !== entry.digest) {
      throw new BstError("element", `Two images are for the same platform: ${platform}`, {
        reason: "duplicate-platform",
        detail: "Clients choose among the images of an index by platform.",
      });
    }
    platforms.set(platform, entry);
  }
}

/** All that clients may choose by. */
function describePlatform({ platform }: Descriptor): string {
  const further = [platform?.["os.version"], ...(platform?.["os.features"] ?? [])].filter(Boolean);
  return [formatPlatform(platform), ...further].join(" ");
}
