/** Rules on single packages. */

import { dependencies, Visited } from "../../graph/scopes.ts";
import type { Element } from "../../project/element.ts";
import { contentOf, domainText, missingOf, some } from "../contents.ts";
import { contributors, type LintImage, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import { initialScriptCalls, ownCalls, type PlacedCall } from "../scripts.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";
import { isPackage } from "./layer-rules.ts";
import type { RuleId } from "./rule-ids.ts";

/** Programs that compile what all packages of an image have installed. */
const COMPILERS = new Set([
  "glib-compile-schemas",
  "update-mime-database",
  "gio-querymodules",
  "update-desktop-database",
]);

export const compiledInPackage: Rule = {
  id: "compiled-in-package",
  summary: "A package compiles what belongs to all packages, such as schemas, of its own files alone",
  *check({ elements }) {
    for (const element of elements) {
      if (!isPackage(element)) continue;
      const call = ownCalls(element).find(({ program }) => COMPILERS.has(program));
      if (call === undefined) continue;
      yield {
        rule: this.id,
        severity: "warning",
        element,
        place: call.place,
        message: `${call.program} sees the files of this package only, and its result replaces those of others`,
        advice: "Run it once over all files: in the script that assembles the image, or as an integration command",
      };
    }
  },
};

export const attributesLost: Rule = {
  id: "attributes-lost",
  summary: "Commands set capabilities or setuid bits, which artifacts do not keep",
  *check({ elements }) {
    // What scripts run over the files of others, they run with their own environment.
    const visited = new Visited();
    const emulated = new Set(elements.filter(hasDatabase).flatMap((element) => dependencies(element, "all", visited)));
    // Modes that it gives its files, or initial scripts, get into an image that is made by bst-ts itself.
    const seen = new Visited();
    const served = new Set(elements.filter(servesBuildOci).flatMap((element) => dependencies(element, "all", seen)));
    for (const element of elements) {
      if (emulated.has(element)) continue;
      const isKept = (each: PlacedCall) => each.program === "chmod";
      const own = ownCalls(element).filter((each) => !servesBuildOci(element) || !isKept(each));
      const initial = initialScriptCalls(element.publicData).filter((each) => !served.has(element) || !isKept(each));
      const call = [...own, ...initial].find(setsAttributes);
      if (call === undefined) continue;
      yield {
        rule: this.id,
        severity: "warning",
        element,
        place: call.place,
        message: `What ${call.program} sets here is lost: of a file, artifacts keep the content and whether it is executable`,
        advice:
          "Declare it under 'public: oci: files:' for images of kind oci, or preload fakecap where a script assembles the image",
      };
    }
  },
};

/** Whether a library notes what commands set, and the tool that writes the image knows of it. */
function hasDatabase({ environment, kind }: Element): boolean {
  return kind !== "junction" && /fakecap|fakeroot/.test(environment["LD_PRELOAD"] ?? "");
}

function servesBuildOci({ kind, config }: Element): boolean {
  return kind === "script" && config.bool("build-oci") === true;
}

function setsAttributes({ program, words }: PlacedCall): boolean {
  if (program === "setcap") return true;
  return (
    program === "chmod" &&
    words.some((word) => /^[2-7]\d{3}$|^0[2-7]\d{3}$/.test(word) || /^[ugoa]*[+=][rwx]*s/.test(word))
  );
}

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
    for (const image of withLayers) yield* dropped(this.id, context, image);
  },
};

/** Packages of the images of an element, none of whose files is left. */
function* dropped(
  rule: RuleId,
  context: LintContext,
  image: Pick<LintImage, "element" | "layers">,
): Generator<Finding | Unchecked> {
  const roots = image.layers.map(({ root }) => root);
  const all = staged(roots);
  const parts = [...contributors(image)].filter((each) => isPackage(each) && context.elements.includes(each));
  const absent = missingOf(context, [...all, ...parts]);
  if (absent.length > 0) {
    yield { rule, element: image.element, missing: absent };
    return;
  }
  const kept = new Set(all.flatMap((each) => [...(contentOf(context, each)?.keys() ?? [])]));
  for (const part of parts) {
    const paths = [...(contentOf(context, part)?.keys() ?? [])];
    if (paths.length === 0 || paths.some((path) => kept.has(path))) continue;
    const domains = [...new Set(paths.map((path) => domainText(context, part, path)))];
    yield {
      rule,
      severity: "warning",
      element: part,
      place: placeOf(part.node),
      message: `None of its ${paths.length} files is in ${image.element.fullName}: they are of ${some(domains)}`,
      advice:
        "Install what is needed at run time to folders of no domain that is left out: /usr/bin, /usr/lib, /usr/share",
    };
  }
}
