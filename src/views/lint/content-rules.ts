/** Rules that look into artifacts: files that replace others, that are missing, and that nobody needs. */
import { findOverlaps, type StagedElement } from "../../artifact/overlaps.ts";
import { domainsOf, splitFilter } from "../../artifact/splits.ts";
import { Tree } from "../../cas/tree.ts";
import { readOciSpec } from "../../oci/schema.ts";
import type { Element } from "../../project/element.ts";
import { contentOf, domainText, droppedBy, missingOf, selectionOf, some, splitRules } from "../contents.ts";
import { type LintImage, locatedDependencies, madeOf, staged } from "../images.ts";
import { type Place, placeOf } from "../place.ts";
import { allCalls } from "../scripts.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";

/** What an element stages together, one over the other. */
function stagings(element: Element, images: readonly LintImage[]): (readonly Element[])[] {
  if (element.kind === "compose") return [madeOf(element)];
  if (element.kind === "oci") return images.map(({ layers }) => staged(layers.map(({ root }) => root)));
  if (element.kind !== "script") return [];
  const byLocation = new Map<string, Element[]>();
  for (const { location, element: it } of locatedDependencies(element)) {
    byLocation.set(location, [...(byLocation.get(location) ?? []), it]);
  }
  return [...byLocation.values()].map(staged);
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
          const message = `It replaces ${paths.length === 1 ? "a file" : `${paths.length} files`} of ${some([...under])}: ${some(paths)}`;
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

export const droppedFiles: Rule = {
  id: "dropped-file",
  summary: "A file that a compose left out is needed by what is made of it: as a link's target, or by name",
  *check(context): Generator<Finding | Unchecked> {
    for (const compose of context.elements) {
      if (compose.kind !== "compose") continue;
      const parts = madeOf(compose);
      const absent = missingOf(context, [compose, ...parts]);
      if (absent.length > 0) {
        yield { rule: this.id, element: compose, missing: absent };
        continue;
      }
      const dropped = droppedBy(context, compose, parts);
      if (dropped.size === 0) continue;
      const report = (element: Element, place: Place, path: string, who: string): Finding => {
        const part = dropped.get(path);
        const domain = part === undefined ? "" : domainText(context, part, path);
        return {
          rule: this.id,
          severity: "warning",
          element,
          place,
          message: `${who} needs /${path} of ${part?.fullName}, which ${compose.fullName} leaves out (${domain})`,
          advice: "Keep the domain, or move the file to another by 'public: bst: split-rules:' of its element",
        };
      };
      const kept = contentOf(context, compose) ?? new Map();
      const links = [...kept].flatMap(([path, node]) => {
        const target = node.kind === "symlink" ? targetOf(path, node.target) : undefined;
        return target !== undefined && dropped.has(target) ? [{ path, target }] : [];
      });
      const [first] = links;
      if (first !== undefined) {
        const more = links.length > 1 ? ` and ${links.length - 1} other links` : "";
        yield report(compose, placeOf(compose.node), first.target, `The link /${first.path}${more}`);
      }
      for (const user of context.elements) {
        for (const { path, place, who } of wantedPaths(user, compose)) {
          if (dropped.has(path) && !hasOtherwise(context, user, path)) yield report(user, place, path, who);
        }
      }
    }
  },
};

function targetOf(path: string, target: string): string {
  const names: string[] = [];
  const start = target.startsWith("/") ? "" : path.slice(0, path.lastIndexOf("/") + 1);
  for (const name of `${start}${target}`.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

function hasOtherwise(context: LintContext, user: Element, path: string): boolean {
  const parts = user.kind === "script" ? staged(user.buildDependencies) : madeOf(user);
  return parts.some((each) => contentOf(context, each)?.has(path) === true);
}

/** Paths within a compose that an element of which it is a part names: what images start, what scripts touch. */
function wantedPaths(user: Element, compose: Element) {
  const found: { path: string; place: Place; who: string }[] = [];
  if (user.kind === "oci" && madeOf(user).includes(compose)) {
    const nodes = user.config.sequence("images")?.mappings() ?? [];
    for (const [i, { config }] of readOciSpec(user.config).images.entries()) {
      const [entry] = config?.Entrypoint ?? config?.Cmd ?? [];
      const node = nodes[i]?.mapping("config");
      const start = (config?.Entrypoint && node?.sequence("Entrypoint")) ?? node?.sequence("Cmd");
      if (entry?.startsWith("/") && start !== undefined) {
        found.push({ path: entry.slice(1), place: placeOf(start.items[0] ?? start), who: "The command of the image" });
      }
    }
  }
  if (user.kind === "script" && user.buildDependencies.includes(compose)) {
    const location = locatedDependencies(user).find(({ element }) => element === compose)?.location;
    const prefix = location === undefined ? "/" : `${location}/`;
    for (const { words, program, place } of allCalls(user)) {
      for (const word of words) {
        if (word.startsWith(prefix))
          found.push({ path: word.slice(prefix.length), place, who: `The command ${program}` });
      }
    }
  }
  return found;
}

const UNNEEDED = ["debug", "devel"];

export const unneededInLayer: Rule = {
  id: "unneeded-in-layer",
  summary: "A layer has files that only builds or debuggers need",
  *check(context): Generator<Finding | Unchecked> {
    for (const { element, layers } of context.images) {
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
          message: `${files.size} files (${bytes} bytes) of ${kept.join(" and ")} are in the layer ${root.fullName}: ${some([...files.keys()].map((path) => `/${path}`))}`,
          advice: `Leave them out: 'exclude: [${kept.join(", ")}]' in ${root.fullName}`,
        };
      }
    }
  },
};
