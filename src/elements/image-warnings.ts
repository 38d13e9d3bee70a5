/** What an image that is built may be wrong about, and nobody refuses. */
import type { OutwardLink } from "../oci/outward-links.ts";
import { goArchitecture } from "../oci/platform.ts";
import { type ImageSpec, MOST_LAYERS } from "../oci/schema.ts";
import type { BuildIo } from "../project/element-kind.ts";
import type { StagedContent } from "./divided.ts";
import { originsOfStaged } from "./origins.ts";

/** What can be told before the images are made. */
export function warnOfImages(io: BuildIo, images: readonly ImageSpec[]): void {
  const named = new Set<string>();
  for (const image of images) {
    warnOfPlatform(io, image);
    for (const tag of new Set(image.tags)) {
      const { architecture, variant, os, osVersion, osFeatures } = image;
      const name = JSON.stringify([tag, architecture, variant, os, osVersion, osFeatures]);
      if (named.has(name)) {
        io.warn(`Two images of one platform have the tag '${tag}'`, {
          detail: "Container engines that load them know one of them by it.",
        });
      }
      named.add(name);
    }
  }
}

/** What other programs say for it, which no container engine takes. */
function warnOfPlatform(io: BuildIo, { architecture, os }: ImageSpec): void {
  for (const [key, word, right] of [
    ["architecture", architecture, goArchitecture(architecture)],
    ["os", os, os.toLowerCase()],
  ] as const) {
    if (word === right) continue;
    io.warn(`The image's '${key}' is '${word}': container engines look for '${right}'`, {
      detail: "Platforms of images are named in Go's words.",
    });
  }
}

export function warnOfLayers(io: BuildIo, image: number, count: number): void {
  if (count <= MOST_LAYERS) return;
  io.warn(`Image ${image} has ${count} layers: docker takes ${MOST_LAYERS}`, {
    detail: "Those of its parents count as well. A smaller number under 'layers: {max}' makes them fewer.",
  });
}

const SHOWN = 3;

/** @param paths in the sandbox */
export function warnOfSpecialFiles(io: BuildIo, paths: readonly string[]): void {
  const shown = paths.slice(0, SHOWN).map((path) => `/${path}`);
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : "";
  io.warn(`Pipes, sockets and devices get into no image: ${shown.join(", ")}${more}`);
}

/** @param content what the links are in */
export function warnOfLinks(io: BuildIo, links: readonly OutwardLink[], content: StagedContent): void {
  const { elements, of } = originsOfStaged(io, content.tree, content.staged);
  const shown = links.slice(0, SHOWN).map(({ path, target }) => {
    const origin = elements[of.get(path) ?? -1];
    return `/${path} to '${target}'${origin === undefined ? "" : `, of ${origin.name}`}`;
  });
  const more = links.length > SHOWN ? `; and ${links.length - SHOWN} more` : "";
  const what = links.length === 1 ? "A relative link leads" : `${links.length} relative links lead`;
  io.warn(`${what} above the root: ${shown.join("; ")}${more}`, {
    detail:
      "In a container they end at the root. Once the image is elsewhere, 'image verify' and the source oci_image take it " +
      "for a dangerous one, as other programs do that look at images.",
  });
}
