/** `image push`: pushes the images of elements to registries, several platforms as one index. */
import { resolve } from "node:path";
import { BstError } from "../../base/errors.ts";
import { openOutputFile, writeAll } from "../../base/output-file.ts";
import { select } from "../../build/selection.ts";
import { isIndex, readIndex } from "../../oci/manifest.ts";
import { type ImageReference, repositoryAt } from "../../oci/registry/reference.ts";
import { Repository } from "../../oci/registry/repository.ts";
import { writing } from "../../oci/transport/blob-folder.ts";
import { JoinedReader, requirePlatforms } from "../../oci/transport/joined.ts";
import { isElementName, parseRegistryName } from "../../oci/transport/names.ts";
import { registryWriter, tagOf } from "../../oci/transport/open.ts";
import type { Run } from "../app.ts";
import { type OpenImage, openImages, selectionOf, transfer } from "../images.ts";
import { attachAll, privateKeyAt, sbomsOf, signAndTell } from "../statements.ts";

export const run: Run<"image push"> = async (context, options) => {
  const { chunkSize, digestfile } = options;
  if (chunkSize !== undefined && chunkSize < 1) throw new BstError("app", "--chunk-size must be at least 1");
  const elements = options.words.filter(isElementName);
  const places = byRepository(options.words.filter((word) => !isElementName(word)).map(parseRegistryName));
  if (elements.length === 0 || places.length === 0) {
    throw new BstError("app", `Name ${elements.length === 0 ? "an element" : "where to push to"}`, {
      reason: "missing-image-name",
      detail: "For example: bst-ts image push oci/app.bst registry.example/app:1.0",
    });
  }
  const key = options.signKey === undefined ? undefined : privateKeyAt(context, options.signKey);
  const names = elements.map((name) => ({ kind: "element", name }) as const);
  const bench = await openImages(context, names, options);
  const { tools, images } = bench;
  const [first] = images;
  if (first === undefined) throw new BstError("element", "No element matches", { reason: "oci-invalid-image" });
  const joins = images.length > 1 || options.allPlatforms;
  const image: OpenImage = joins ? { ...first, reader: new JoinedReader(images.map(({ reader }) => reader)) } : first;
  const selection = options.platform === undefined ? "all" : selectionOf(options);
  const root = await image.reader.root();
  if (selection === "all" && isIndex(root.descriptor)) requirePlatforms(readIndex(root, image.reader.name).manifests);
  tools.places?.addLikely(basesOf(images), tools.pull);
  const statements = await sbomsOf(context, bench, options.sbom);
  // Before anything is pushed, since who wants to know the digest can't do without.
  const path = digestfile === undefined ? undefined : resolve(context.cwd, digestfile);
  using file = path === undefined ? undefined : writing(path, () => openOutputFile(path));
  let digest = "";
  for (const { host, repository, tags } of places) {
    const writer = registryWriter({ host, repository }, tags, tools);
    const parts = await transfer(context, "push", image, writer, selection);
    digest = parts.root.descriptor.digest;
    await attachAll(context, registryWriter({ host, repository }, [], tools), parts, statements);
    if (key !== undefined)
      await signAndTell(context, new Repository({ host, repository }, "push", tools.push), digest, key);
  }
  if (path !== undefined && file !== undefined) {
    writing(path, () => {
      writeAll(file.file, Buffer.from(digest));
      file.commit();
    });
  }
  context.print(digest);
  return undefined;
};

/** The repositories of images that these are built on. */
function basesOf(images: readonly OpenImage[]): Pick<ImageReference, "host" | "repository">[] {
  const elements = images.flatMap(({ subject }) => subject?.element ?? []);
  const sources = select(elements, "all").flatMap((element) => element.sources);
  const infos = sources.flatMap(({ source }) => source.info());
  return infos.flatMap(({ medium, url }) => (medium === "oci-image" ? repositoryAt(url) : []));
}

interface Place {
  readonly host: string;
  readonly repository: string;
  readonly tags: readonly string[];
}

/** What has several tags is pushed once. */
function byRepository(references: readonly ImageReference[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const reference of references) {
    const { host, repository } = reference;
    const key = `${host}/${repository}`;
    const tags = [...(places.get(key)?.tags ?? []), tagOf(reference)];
    places.set(key, { host, repository, tags: [...new Set(tags)] });
  }
  return [...places.values()];
}
