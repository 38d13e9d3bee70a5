/** The rule on packages whose files reach no image. */

import { dependencies, Visited } from "../../graph/scopes.ts";
import type { Element } from "../../project/element.ts";
import { contentOf, domainText, missingOf, some } from "../contents.ts";
import { contributors, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";
import { isPackage } from "./layer-rules.ts";

export const packageInNoLayer: Rule = {
  id: "package-in-no-layer",
  summary: "The files of a package reach no image",
  *check(context): Generator<Finding | Unchecked> {
    const { elements, imagesByElement } = context;
    const withLayers = [...imagesByElement]
      .map(([element, images]) => ({ element, layers: images.flatMap((image) => image.layers) }))
      .filter(({ layers }) => layers.length > 0);
    if (withLayers.length === 0) return;
    const visited = new Visited();
    const used = new Set(withLayers.flatMap(({ element }) => dependencies(element, "all", visited)));
    if (context.isWhole) {
      const others = elements.filter((element) => isPackage(element) && !used.has(element));
      // What something else is made for that is no image, is needed for that.
      const needed = new Set(
        elements
          .filter((element) => !isPackage(element) && element.hasArtifact)
          .flatMap((each) => dependencies(each, "all")),
      );
      for (const element of others) {
        if (needed.has(element)) continue;
        yield {
          rule: this.id,
          severity: "warning",
          element,
          place: placeOf(element.node),
          message: "No image depends on it",
          advice: "Add it to the stack that lists what the image is made of",
        };
      }
    }
    const gone = new Map<Element, Element[]>();
    for (const image of withLayers) {
      const parts = [...contributors(image)].filter((each) => isPackage(each) && elements.includes(each));
      const all = staged(image.layers.map(({ root }) => root));
      const absent = missingOf(context, [...all, ...parts]);
      if (absent.length > 0) yield { rule: this.id, element: image.element, missing: absent };
      else for (const part of dropped(context, all, parts)) gone.set(part, [...(gone.get(part) ?? []), image.element]);
    }
    for (const [part, images] of gone) {
      const paths = [...(contentOf(context, part)?.keys() ?? [])];
      const domains = [...new Set(paths.map((path) => domainText(context, part, path)))];
      yield {
        rule: this.id,
        severity: "warning",
        element: part,
        place: placeOf(part.node),
        message: `None of its files (${paths.length}) is in ${some(images.map(({ fullName }) => fullName))}: they are of ${some(domains)}`,
        advice:
          "Install what is needed at run time to folders of no domain that is left out: /usr/bin, /usr/lib, /usr/share",
      };
    }
  },
};

/** Those of the packages, none of whose files is left in what is staged. */
function dropped(context: LintContext, all: readonly Element[], parts: readonly Element[]): Element[] {
  const kept = new Set(all.flatMap((each) => [...(contentOf(context, each)?.keys() ?? [])]));
  return parts.filter((part) => {
    const paths = [...(contentOf(context, part)?.keys() ?? [])];
    return paths.length > 0 && !paths.some((path) => kept.has(path));
  });
}
