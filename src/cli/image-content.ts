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
  const elements = new Set<Element>();
  const bases = new Set<Element>();
  const visit = (maker: Element, image: number) => {
    const spec = maker.kind === "oci" ? readOciSpec(maker.config).images[image] : undefined;
    for (const { path, dependency, isElsewhere } of buildDependencies(maker, elementOf)) {
      const isNamed = (name: string) => name === path || name === dependency.name;
      if (spec === undefined) {
        // Scripts have the parts of images somewhere, and tools at the root.
        if (isElsewhere) add(dependency);
        continue;
      }
      const { parent, layer = [], add: added = [] } = spec;
      if (parent !== undefined && isNamed(parent.element)) add(dependency, parent.image);
      if ([...layer, ...added].some(isNamed)) elements.add(dependency);
    }
  };
  const add = (dependency: Element, image = 0) => {
    if (dependency.sources.some(({ source }) => source.info().some(({ medium }) => medium === "oci-image"))) {
      bases.add(dependency);
    } else if (dependency.kind === "oci" || (dependency.kind === "script" && makesImage(dependency))) {
      visit(dependency, image);
    } else elements.add(dependency);
  };
  visit(element, index);
  return { elements: [...elements], bases: [...bases] };
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
