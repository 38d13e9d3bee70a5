/** The images that the build of an `oci` element would make, as far as its configuration says. */
import { readOciSpec } from "../oci/schema.ts";
import type { Element } from "../project/element.ts";

export interface PlannedImage {
  /** `linux/amd64`. */
  readonly platform: string;
  readonly tags: readonly string[];
  /** What it is on top of: an element, and the place of the image in it. */
  readonly parent: string | undefined;
  /** The elements whose files are new layers; none where only the configuration is new. */
  readonly layer: readonly string[];
  /** Into how many layers these are divided at most. */
  readonly layers: number;
}

export function plannedImages(element: Element): PlannedImage[] {
  if (element.kind !== "oci") return [];
  return readOciSpec(element.config).images.map(
    ({ os, architecture, variant, tags, parent, layer, add, maxLayers }) => ({
      platform: [os, architecture, ...(variant === undefined ? [] : [variant])].join("/"),
      tags: tags ?? [],
      parent: parent && `${parent.element}, image ${parent.image}`,
      layer: layer ?? add ?? [],
      layers: layer === undefined && add === undefined ? 0 : (maxLayers ?? 1),
    }),
  );
}
