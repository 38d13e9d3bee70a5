/** What commands on images share: where images are, who asks registries, and how it is told what goes on. */

import { dirname, join, resolve } from "node:path";
import { prepareFile } from "../artifact/checkout.ts";
import { counted } from "../base/counted.ts";
import { BstError } from "../base/errors.ts";
import type { DisplayKey, JobDescription, JobMessenger } from "../base/messages.ts";
import { formatSize } from "../base/size.ts";
import { makerOf } from "../elements/build-oci.ts";
import { type CopyOptions, copyImage, type Parts, type Selection } from "../oci/copy.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Maker } from "../oci/growth.ts";
import { parsePlatform } from "../oci/platform.ts";
import { BegunUploads } from "../oci/registry/begun-uploads.ts";
import { type Purpose, userCredentials } from "../oci/registry/credentials.ts";
import { BlobPlaces } from "../oci/registry/places.ts";
import type { RegistryOptions } from "../oci/registry/session.ts";
import { treeFiles } from "../oci/transport/files.ts";
import { type ImageName, parseImageName, requireFileName } from "../oci/transport/names.ts";
import { filesReader, openReader, type TransportTools } from "../oci/transport/open.ts";
import type { ImageReader, ImageWriter, Outcome } from "../oci/transport/types.ts";
import type { CommandContext } from "./app.ts";
import { type ArtifactBench, nameOf, openArtifacts, type Subject } from "./artifacts.ts";
import { artifactServers } from "./servers.ts";
import type { OptionsOf } from "./spec/commands.ts";
import { requireCached } from "./staging.ts";
import { pullMissing } from "./transfers.ts";
import { openBench } from "./workbench.ts";

export interface ImageOptions
  extends Partial<Pick<OptionsOf<"artifact pull">, "artifactRemotes" | "ignoreProjectArtifactRemotes">> {
  readonly insecure?: boolean;
  readonly anonymous?: boolean;
  /** Megabytes. */
  readonly chunkSize?: number | undefined;
}

export type ExternalName = Exclude<ImageName, { readonly kind: "element" }>;

/** An image that a word names, and what messages about it are about. */
export interface OpenImage {
  readonly reader: ImageReader;
  readonly about: { readonly element: string; readonly key: DisplayKey };
  /** Where it is an artifact. */
  readonly subject?: Subject;
}

export interface ImageBench {
  readonly tools: TransportTools;
  /** Where there are artifacts among the images. */
  readonly artifacts?: ArtifactBench;
  /** In the order of the names. */
  readonly images: readonly OpenImage[];
}

/** @throws BstError where an element's artifact can't be had */
export async function openImages(
  context: CommandContext,
  names: readonly ImageName[],
  options: ImageOptions,
): Promise<ImageBench> {
  const elements = names.flatMap((name) => (name.kind === "element" ? [name.name] : []));
  const bench =
    elements.length === 0
      ? undefined
      : await openArtifacts(context, elements, {
          servers: artifactServers({
            artifactRemotes: options.artifactRemotes ?? [],
            ignoreProjectArtifactRemotes: options.ignoreProjectArtifactRemotes ?? false,
          }),
          pullsNamed: true,
        });
  const { cas, memoDirectory } = bench?.caches ?? openBench(context).caches;
  const subjects = bench === undefined ? [] : requireCached(await pullMissing(bench, bench.targets));
  const memory = dirname(memoDirectory);
  const tools: TransportTools = {
    signal: context.signal,
    temporaryDirectory: cas.temporaryDirectory,
    places: new BlobPlaces(join(memory, "places")),
    uploads: new BegunUploads(join(memory, "uploads")),
    pull: registryOptions(context, "pull", options),
    push: registryOptions(context, "push", options),
    ...(options.chunkSize !== undefined && { chunkSize: options.chunkSize * 1_000_000 }),
  };
  const images: OpenImage[] = [];
  for (const name of names) {
    if (name.kind !== "element") {
      images.push({ reader: await openReader(name, tools), about: { element: placeOf(name), key: NO_KEY } });
      continue;
    }
    const found = subjects.filter((subject) => isNamed(subject, name.name, elements));
    for (const subject of found) {
      const { record } = subject;
      const title = nameOf(subject);
      if (record.files === undefined)
        throw new BstError("element", `${title} holds no image: it has no files`, { reason: "oci-invalid-image" });
      const { element, key = NO_KEY } = subject.about;
      const files = treeFiles(cas, record.files, title, imageMaker(subject));
      images.push({ reader: filesReader(files), about: { element, key }, subject });
    }
  }
  return { tools, images, ...(bench !== undefined && { artifacts: bench }) };
}

/** Patterns of names stand for all that they match, and only one word is such. */
function isNamed(subject: Subject, word: string, words: readonly string[]): boolean {
  const { element, refs } = subject;
  return words.length === 1 || element?.name === word || element?.fullName === word || refs.includes(word);
}

/** Of an artifact that is named by its key nobody knows the kind. */
function imageMaker({ element, record }: Subject): Maker {
  if (element !== undefined) return makerOf(element);
  return record !== undefined && record.buildDeps.length > 0 ? "scripts" : "others";
}

const NO_KEY: DisplayKey = { full: " ".repeat(64), brief: " ".repeat(8), strict: true };

function placeOf(name: ExternalName): string {
  if (name.kind !== "registry") return name.path;
  return `${name.reference.host}/${name.reference.repository}`;
}

function registryOptions(
  { reporter, signal }: CommandContext,
  purpose: Purpose,
  { insecure = false, anonymous = false }: ImageOptions,
): RegistryOptions {
  const warn = (text: string, detail?: string) => reporter.emit({ type: "warn", text, ...(detail && { detail }) });
  const credentials = anonymous ? async () => undefined : userCredentials({ purpose, env: process.env, signal, warn });
  return { credentials, signal, insecure, info: (text) => reporter.emit({ type: "info", text }) };
}

/** What the options say of an index. @throws BstError domain element, reason invalid-platform */
export function selectionOf(options: { readonly platform?: string | undefined; readonly all?: boolean }): Selection {
  if (options.platform !== undefined) return parsePlatform(options.platform);
  return options.all ? "all" : "here";
}

/** A place for an image, with its path made absolute. @throws BstError for what is none, or has something already */
export function parseDestination(context: CommandContext, word: string, force: boolean): ExternalName {
  const name = absolute(context, parseImageName(word));
  if (name.kind === "element") {
    throw new BstError("app", `An image can't be written to an element: '${word}'`, { reason: "invalid-image-name" });
  }
  if (name.kind === "oci-archive" || name.kind === "docker-archive") prepareFile(name.path, force);
  if (name.kind !== "registry" && name.ref !== undefined) {
    requireFileName(name.ref, name.kind === "docker-archive" ? "docker" : "oci");
  }
  return name;
}

export function absolute(context: CommandContext, name: ImageName): ImageName {
  return name.kind === "registry" || name.kind === "element"
    ? name
    : { ...name, path: resolve(context.cwd, name.path) };
}

/** What is done with blobs; nothing to tell of where the image does not stay. */
const DONE = { push: "sent", pull: "received", copy: "copied", save: "written", load: undefined } as const;

/** Copies as a job that tells how far it is. @param action as a verb in lower case */
export function transfer(
  context: CommandContext,
  action: keyof typeof DONE,
  { reader, about }: OpenImage,
  writer: ImageWriter,
  select: Selection,
): Promise<Parts> {
  const { signal } = context;
  return asJob(context, { action, ...about }, async (job) => {
    const tally = new Tally();
    const progress = bytesOf(job);
    const onBlob = (descriptor: Descriptor, outcome: Outcome) => {
      tally.add(descriptor, outcome);
      progress.onProgress({ descriptor, done: descriptor.size });
    };
    const parts = await copyImage(reader, writer, { select, signal, ...progress, onBlob });
    const done = DONE[action];
    if (done !== undefined) {
      const text = `${parts.root.descriptor.digest} is at ${writer.name}: ${tally.told(done)}`;
      job.emit({ type: "info", text });
    }
    return parts;
  });
}

/** Does something as a job of its own, with status lines. */
export async function asJob<T>(
  { reporter, signal }: CommandContext,
  description: JobDescription,
  work: (job: JobMessenger) => Promise<T>,
): Promise<T> {
  const job = reporter.startJob(description);
  try {
    const result = await work(job);
    job.end({ outcome: "processed" });
    return result;
  } catch (error) {
    job.end(signal.aborted ? { outcome: "terminated" } : { outcome: "failed", error });
    throw error;
  }
}

/** Has a job tell how many bytes of an image are done. */
export function bytesOf(job: JobMessenger): Required<Pick<CopyOptions, "onParts" | "onProgress">> {
  const done = new Map<string, number>();
  let [sum, all] = [0, 0];
  return {
    onParts({ blobs }) {
      all = blobs.reduce((bytes, { size }) => bytes + size, 0);
    },
    onProgress({ descriptor, done: now }) {
      // Fewer than before where it begins anew.
      sum += now - (done.get(descriptor.digest) ?? 0);
      done.set(descriptor.digest, now);
      job.progress(sum, all, "bytes");
    },
  };
}

/** Counts what was sent, and what need not be. */
class Tally {
  #written = 0;
  #bytes = 0;
  #mounted = 0;
  #present = 0;

  add({ size }: Descriptor, outcome: Outcome): void {
    if (outcome === "mounted") this.#mounted++;
    else if (outcome === "present") this.#present++;
    else {
      this.#written++;
      this.#bytes += size;
    }
  }

  /** @param done what was, with those that were not there */
  told(done: string): string {
    return [
      `${counted(this.#written, "blob")} of ${formatSize(this.#bytes)} ${done}`,
      ...(this.#present > 0 ? [`${this.#present} there already`] : []),
      ...(this.#mounted > 0 ? [`${this.#mounted} taken over from another repository`] : []),
    ].join(", ");
  }
}
