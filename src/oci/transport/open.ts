/** Opens what image names stand for, to read or to write. */
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { BstError } from "../../base/errors.ts";
import { makeFolders } from "../../base/folders.ts";
import { openOutputFile } from "../../base/output-file.ts";
import { invalidImage } from "../json.ts";
import type { BegunUploads } from "../registry/begun-uploads.ts";
import type { BlobPlaces } from "../registry/places.ts";
import type { ImageReference } from "../registry/reference.ts";
import { Repository } from "../registry/repository.ts";
import type { RegistryOptions } from "../registry/session.ts";
import { DockerArchiveWriter, LayoutArchiveWriter } from "./archive-writer.ts";
import { writing } from "./blob-folder.ts";
import { DOCKER_INDEX } from "./docker-index.ts";
import { DockerReader } from "./docker-reader.ts";
import { folderFiles, type ImageFiles } from "./files.ts";
import { INDEX_FILE, LayoutReader } from "./layout-reader.ts";
import { LayoutWriter } from "./layout-writer.ts";
import type { ArchiveForm, ImageName } from "./names.ts";
import { RegistryReader, RegistryWriter } from "./registry.ts";
import { tarFiles } from "./tar-files.ts";
import { TarWriter } from "./tar-writer.ts";
import type { ImageReader, ImageWriter } from "./types.ts";

export interface TransportTools {
  readonly signal: AbortSignal;
  /** For what compressed archives hold. */
  readonly temporaryDirectory: string;
  readonly pull: RegistryOptions;
  readonly push: RegistryOptions;
  /** Bytes of the pieces of uploads. */
  readonly chunkSize?: number | undefined;
  /** Where else in registries blobs are. */
  readonly places?: BlobPlaces;
  /** What earlier commands sent a part of. */
  readonly uploads?: BegunUploads;
}

const NAME = { oci: "REF", "oci-archive": "REF", "docker-archive": "NAME:TAG" } as const;

type External = Exclude<ImageName, { readonly kind: "element" }>;

export async function openReader(name: External, tools: TransportTools): Promise<ImageReader> {
  const choice = name.kind === "registry" ? undefined : `Name one: ${name.kind}:${name.path}:${NAME[name.kind]}`;
  switch (name.kind) {
    case "registry":
      return new RegistryReader(new Repository(name.reference, "pull", tools.pull), name.reference, tools.places);
    case "oci":
      return new LayoutReader(folderFiles(name.path), name.ref, choice);
    case "oci-archive":
      return new LayoutReader(await tarFiles(name.path, tools.temporaryDirectory, tools.signal), name.ref, choice);
    case "docker-archive":
      return new DockerReader(await tarFiles(name.path, tools.temporaryDirectory, tools.signal), name.ref, choice);
  }
}

/** Of whichever form there is. @throws BstError domain element, where there is neither */
export function filesReader(files: ImageFiles): ImageReader {
  if (files.sizeOf(INDEX_FILE) !== undefined) return new LayoutReader(files, undefined);
  if (files.sizeOf(DOCKER_INDEX) !== undefined) return new DockerReader(files, undefined);
  throw invalidImage(`${files.name} holds no image: it has neither an index.json nor a manifest.json`);
}

/**
 * Lends a writer; a file appears only when `use` went well.
 * @param names what an image in an archive is called, unless `name` says it
 */
export function withWriter<T>(
  name: External,
  names: readonly string[],
  tools: TransportTools,
  use: (writer: ImageWriter) => Promise<T>,
): Promise<T> {
  switch (name.kind) {
    case "registry": {
      const { reference } = name;
      return use(registryWriter(reference, [tagOf(reference)], tools));
    }
    case "oci":
      return use(new LayoutWriter(name.path, name.ref));
    case "oci-archive":
      return withArchive(name.path, "oci", name.ref === undefined ? names : [name.ref], tools.signal, use);
    case "docker-archive":
      return withArchive(name.path, "docker", name.ref === undefined ? names : [name.ref], tools.signal, use);
  }
}

export function registryWriter(
  place: Pick<ImageReference, "host" | "repository">,
  tags: readonly string[],
  tools: TransportTools,
): ImageWriter {
  return new RegistryWriter(new Repository(place, "push", tools.push), tags, tools);
}

/** Under which an image is pushed. @throws BstError domain remote, where the name has a digest */
export function tagOf({ tag, digest }: ImageReference): string {
  if (digest === undefined) return tag ?? "latest";
  throw new BstError("remote", "An image is pushed under a tag: its digest follows from its content", {
    reason: "invalid-image-reference",
  });
}

/** Lends a writer of an archive, which appears whole or not at all. Pipes and devices get it in the end. */
export async function withArchive<T>(
  path: string,
  form: ArchiveForm,
  names: readonly string[],
  signal: AbortSignal,
  use: (writer: ImageWriter) => Promise<T>,
): Promise<T> {
  writing(path, () => makeFolders(dirname(path)));
  using output = writing(path, () => openOutputFile(path, { spool: tmpdir() }));
  const tar = new TarWriter(output.file, path);
  const writer =
    form === "docker"
      ? new DockerArchiveWriter(path, tar, names, signal)
      : new LayoutArchiveWriter(path, tar, names, form === "both");
  const result = await use(writer);
  tar.finish();
  writing(path, () => output.commit());
  return result;
}
