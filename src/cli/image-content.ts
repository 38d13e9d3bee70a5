/** Which elements the content of an image was made of: layers, and those of its parents, down to images of others. */

import { readOciSpec } from "../oci/schema.ts";
import { BUILD } from "../project/dependencies.ts";
import type { Element } from "../project/element.ts";
import type { Dependency } from "../project/load-element.ts";

export interface ImageContent {
  /** In the order in which they come over each other, without what they need at run time. */
  readonly elements: readonly Element[];
  /** Elements that got an image of somebody else. */
  readonly bases: readonly Element[];
}

/**
 * @param index which of the images that the element makes
 * @param elementOf the element of a full name
 */
export function contentOfImage(
  element: Element,
  index: number,
  elementOf: (fullName: string) => Element | undefined,
): ImageContent {
  const bases = new Set<Element>();
  /** What an image is made of, or what an element brings to one. */
  const made = (maker: Element, image: number): Element[] => {
    const parts = [...buildDependencies(maker, elementOf)];
    if (maker.kind !== "oci") {
      // Scripts have the parts of images somewhere, and tools at the root.
      const somewhere = parts.filter(({ isElsewhere }) => isElsewhere).map(({ dependency }) => dependency);
      const brought = somewhere.map((each) => ({ isImage: isImage(each), elements: behind(each, 0) }));
      return brought.sort((a, b) => Number(b.isImage) - Number(a.isImage)).flatMap(({ elements }) => elements);
    }
    const { parent, layer, add = [] } = readOciSpec(maker.config).images[image] ?? {};
    const named = (name: string) =>
      parts.flatMap(({ path, dependency }) => (name === path || name === dependency.name ? [dependency] : []));
    const below = parent === undefined ? [] : named(parent.element).flatMap((each) => behind(each, parent.image));
    // A layer is all that the image holds: what its parent has besides is gone, and what both have is the layer's.
    return layer === undefined ? [...below, ...add.flatMap(named)] : layer.flatMap(named);
  };
  const behind = (element: Element, image: number): Element[] => {
    if (hasImageSource(element)) {
      bases.add(element);
      return [];
    }
    return isImage(element) ? made(element, image) : [element];
  };
  // What comes once more is over what came in between.
  const elements = [...new Set(made(element, index).reverse())].reverse();
  return { elements, bases: [...bases] };
}

function isImage(element: Element): boolean {
  return element.kind === "oci" || (element.kind === "script" && makesImage(element)) || hasImageSource(element);
}

function hasImageSource({ sources }: Element): boolean {
  return sources.some(({ source }) => source.info().some(({ medium }) => medium === "oci-image"));
}

/** Scripts that have parts of images somewhere else than at the root. */
function makesImage({ loaded }: Element): boolean {
  return loaded.dependencies.some(({ type, configs }) => type & BUILD && configs.some(isElsewhereIn));
}

function* buildDependencies({ loaded }: Element, elementOf: (fullName: string) => Element | undefined) {
  const isAnyElsewhere = loaded.dependencies.some(({ configs }) => configs.some(isElsewhereIn));
  for (const { type, element, path, configs } of loaded.dependencies) {
    const dependency = elementOf(element.fullName);
    if ((type & BUILD) === 0 || dependency === undefined) continue;
    yield { path, dependency, isElsewhere: !isAnyElsewhere || configs.some(isElsewhereIn) };
  }
}

function isElsewhereIn(config: Dependency["configs"][number]): boolean {
  return (config.string("location") ?? "/") !== "/";
}
