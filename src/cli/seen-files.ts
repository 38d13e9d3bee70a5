/** What questions about files look at: the artifacts of elements in the cache, and in images the files that these hold. */
import { readPublicMetadata } from "../artifact/metadata.ts";
import type { Element } from "../project/element.ts";
import type { ArtifactFiles } from "../views/contents.ts";
import { isNoImage, SeenFiles } from "../views/image-files.ts";
import { imageOf, imagesOf } from "../views/images.ts";
import type { Workbench } from "./workbench.ts";

export function artifactFiles({ caches: { cas }, states }: Workbench): ArtifactFiles {
  const built = (element: Element) => {
    const { artifact } = states.of(element);
    return artifact?.buildSuccess ? artifact : undefined;
  };
  return {
    cas,
    files: (element) => built(element)?.files,
    publicData: (element) => {
      const artifact = built(element);
      return artifact === undefined ? element.publicData : readPublicMetadata(cas, artifact);
    },
  };
}

/**
 * Opens an element, and the images that it is on top of.
 * @param index of several images of the element, counted from 0
 * @throws BstError domain element, reason oci-invalid-image, where it has no such image
 */
export async function seenFiles(bench: Workbench, element: Element, index?: number): Promise<SeenFiles> {
  const { caches, signal } = bench;
  const seen = new SeenFiles(artifactFiles(bench), { memoDirectory: caches.memoDirectory, signal });
  if (imagesOf(element).length === 0) return seen;
  const opened = new Map([[element, index ?? 0]]);
  // It grows while it is walked over.
  for (const [each, image] of opened) {
    try {
      await seen.open(each, image);
    } catch (error) {
      // A script may keep something else than an image, unless one of its images is meant.
      const isMeant = each.kind === "oci" || (each === element && index !== undefined);
      if (isMeant || !isNoImage(error)) throw error;
    }
    for (const parent of imageOf(each, image)?.parents ?? []) {
      if (!opened.has(parent.element)) opened.set(parent.element, parent.index);
    }
  }
  return seen;
}
