/** Rules that look into artifacts: files that replace others, and that nobody needs. */

import { findOverlaps, type StagedElement } from "../../artifact/overlaps.ts";
import { domainsOf, splitFilter } from "../../artifact/splits.ts";
import { counted } from "../../base/counted.ts";
import { Tree } from "../../cas/tree.ts";
import type { Element } from "../../project/element.ts";
import { contentOf, filesIn, missingOf, selectionOf, some, splitRules } from "../contents.ts";
import { type LintImage, locatedDependencies, madeOf, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";

/** What an element stages together, one over the other. */
function stagings(element: Element, images: readonly LintImage[]): (readonly Element[])[] {
  if (element.kind === "compose") return [madeOf(element)];
  if (element.kind === "oci") return images.map(({ layers }) => staged(layers.map(({ root }) => root)));
  if (element.kind !== "script") return [];
  const located = locatedDependencies(element);
  const byLocation = new Map<string, Element[]>();
  for (const { location, element: it } of located) {
    byLocation.set(location, [...(byLocation.get(location) ?? []), it]);
  }
  const atRoot = element.buildDependencies.filter((each) => !located.some(({ element: it }) => it === each));
  return [...byLocation.values(), atRoot].map(staged);
}

export const overlaps: Rule = {
  id: "overlaps-not-whitelisted",
  summary: "Files replace those of other elements, and no whitelist allows it",
  *check(context): Generator<Finding | Unchecked> {
    const told = new Set<string>();
    for (const element of context.elements) {
      for (const parts of stagings(element, context.imagesByElement.get(element) ?? [])) {
        const absent = missingOf(context, parts);
        if (absent.length > 0) {
          yield { rule: this.id, element, missing: absent };
          continue;
        }
        const byName = new Map(parts.map((part) => [part.fullName, part]));
        const found = new Map<Element, { under: Set<string>; paths: string[] }>();
        for (const { path, elements, offenders } of findOverlaps(
          new Tree(context.cas),
          stagedElements(context, parts),
        )) {
          for (const { name } of offenders) {
            const offender = byName.get(name);
            if (offender === undefined) continue;
            const entry = found.get(offender) ?? { under: new Set(), paths: [] };
            found.set(offender, entry);
            entry.paths.push(`/${path}`);
            const below = elements.slice(
              0,
              elements.findIndex((each) => each.name === name),
            );
            for (const each of below) entry.under.add(each.name);
          }
        }
        for (const [offender, { under, paths }] of found) {
          const message = `It replaces ${counted(paths.length, "file")} of ${some([...under])}: ${some(paths)}`;
          // The same two meet wherever both are staged.
          if (told.has(`${offender.fullName} ${message}`)) continue;
          told.add(`${offender.fullName} ${message}`);
          const list = offender.publicData.mapping("bst")?.get("overlap-whitelist");
          yield {
            rule: this.id,
            severity: "warning",
            element: offender,
            place: placeOf(list ?? offender.node),
            message: `${message} (staged for ${element.fullName})`,
            advice: "If it is meant to replace them, list them under 'public: bst: overlap-whitelist:'",
          };
        }
      }
    }
  },
};

function stagedElements(context: LintContext, parts: readonly Element[]): StagedElement[] {
  return parts.flatMap((part) => {
    const files = context.files(part);
    return files === undefined ? [] : [{ name: part.fullName, files, publicData: context.publicData(part) }];
  });
}

const UNNEEDED = ["debug", "devel"];

export const unneededInLayer: Rule = {
  id: "unneeded-in-layer",
  summary: "A layer has files that only builds or debuggers need",
  *check(context): Generator<Finding | Unchecked> {
    for (const image of context.images) {
      const { element, layers } = image;
      const built = context.root(image);
      const present = built && filesIn(context.cas, built);
      for (const { root, node } of layers) {
        if (root.kind !== "compose") continue;
        const { exclude, include } = selectionOf(root);
        const kept = UNNEEDED.filter(
          (domain) => !exclude.includes(domain) && (include.length === 0 || include.includes(domain)),
        );
        if (kept.length === 0) continue;
        const parts = madeOf(root);
        const absent = missingOf(context, [root, ...parts]);
        if (absent.length > 0) {
          yield { rule: this.id, element, missing: absent };
          continue;
        }
        const content = contentOf(context, root) ?? new Map();
        const files = new Map<string, number>();
        for (const part of parts) {
          const rules = splitRules(context, part);
          const takes = splitFilter(rules, selectionOf(root));
          for (const [path, item] of contentOf(context, part) ?? []) {
            if (takes?.(path) === false || !content.has(path) || item.kind !== "file") continue;
            // Scripts can have removed it.
            if (present?.has(path) === false) continue;
            if (domainsOf(rules, path).some((domain) => kept.includes(domain))) files.set(path, item.digest.size);
          }
        }
        if (files.size === 0) continue;
        const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
        yield {
          rule: this.id,
          severity: "note",
          element,
          place: placeOf(node),
          message: `${counted(files.size, "file")} (${counted(bytes, "byte")}) of ${kept.join(" and ")} ${files.size === 1 ? "is" : "are"} in the layer ${root.fullName}: ${some([...files.keys()].map((path) => `/${path}`))}`,
          advice: `Leave them out: 'exclude: [${kept.join(", ")}]' in ${root.fullName}`,
        };
      }
    }
  },
};
