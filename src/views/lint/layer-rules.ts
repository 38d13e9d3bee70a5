/** Rules on what layers are made of. */
import type { Element } from "../../project/element.ts";
import { selectionOf, some } from "../contents.ts";
import { locatedDependencies, madeOf, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import type { Finding, Rule } from "./finding.ts";

export const stackAsLayer: Rule = {
  id: "stack-as-layer",
  summary: "A layer is a stack, which has no files of its own and filters nothing",
  *check({ elements, imagesByElement }) {
    for (const element of elements) {
      const layers = imagesByElement.get(element)?.flatMap((image) => image.layers);
      const located = locatedDependencies(element).map(({ element: root, ...rest }) => ({ root, ...rest }));
      for (const { root, node } of layers ?? located) {
        if (root.hasArtifact) continue;
        const isEmpty = !staged([root]).some(({ hasArtifact }) => hasArtifact);
        if (!isEmpty && layers === undefined) continue;
        yield {
          rule: this.id,
          severity: isEmpty ? "error" : "warning",
          element,
          place: placeOf(node),
          message: isEmpty
            ? `${root.fullName} is a ${root.kind} of nothing: ${layers === undefined ? "nothing is staged" : "the layer is empty"}`
            : `${root.fullName} is a ${root.kind}: all that it stands for is in the layer, with what only builds and debuggers need`,
          advice: `Make the layer of an element of kind compose that has ${root.fullName} under its build-depends`,
        };
      }
    }
  },
};

/** A domain that a compose leaves out cannot be had from what it makes. */
export const droppedDomainWanted: Rule = {
  id: "dropped-domain",
  summary: "What a compose or filter left out is needed by what is made of it",
  *check({ elements }) {
    for (const element of elements) {
      if (element.kind !== "compose" && element.kind !== "filter") continue;
      const parts = madeOf(element).filter(({ hasArtifact }) => hasArtifact);
      for (const node of element.config.sequence("include")?.scalars() ?? []) {
        // Of many parts, one may well lack it.
        if (parts.length === 0 || !parts.every((part) => leavesOut(part, node.value))) continue;
        yield {
          rule: this.id,
          severity: "error",
          element,
          place: placeOf(node),
          message: `The domain ${node.value} is wanted of ${some(parts.map(({ fullName }) => fullName))}, which leaves it out`,
          advice: `Keep ${node.value} there, or take it from what that is made of`,
        };
      }
    }
  },
};

function leavesOut(element: Element, domain: string): boolean {
  if (element.kind !== "compose" && element.kind !== "filter") return false;
  const { include, exclude } = selectionOf(element);
  return exclude.includes(domain) || (include.length > 0 && !include.includes(domain));
}

export const unknownDomain: Rule = {
  id: "unknown-domain",
  summary: "A compose or filter names a domain that nothing it is made of has",
  *check(context) {
    for (const element of context.elements) {
      if (element.kind !== "compose" && element.kind !== "filter") continue;
      const parts = madeOf(element);
      if (parts.length === 0) continue;
      const domains = new Set(
        parts.flatMap((part) => context.publicData(part).mapping("bst")?.mapping("split-rules")?.keys() ?? []),
      );
      for (const key of ["include", "exclude"]) {
        for (const node of element.config.sequence(key)?.scalars() ?? []) {
          if (domains.has(node.value)) continue;
          const isPath = node.value.startsWith("/");
          yield {
            rule: this.id,
            severity: key === "include" ? "error" : "warning",
            element,
            place: placeOf(node),
            message: `Nothing that it is made of has a domain ${node.value}`,
            advice: isPath
              ? "Domains are named here, not paths: which paths a domain has, 'split-rules' say"
              : `Domains are: ${[...domains].sort().join(", ")}`,
          } satisfies Finding;
        }
      }
    }
  },
};

export const packageBesideStack: Rule = {
  id: "package-beside-stack",
  summary: "A compose in the way to an image names a package itself, beside the stack of all of them",
  *check({ elements, images }) {
    const layers = new Set(images.flatMap(({ layers: roots }) => roots.flatMap(({ root }) => [root, ...madeOf(root)])));
    for (const element of elements) {
      if (element.kind !== "compose" || !layers.has(element)) continue;
      const lists = element.buildDependencies.filter((each) => !each.hasArtifact || each.kind === "compose");
      if (lists.length === 0) continue;
      for (const { element: dependency, node } of element.loaded.dependencies) {
        const found = element.buildDependencies.find(({ loaded }) => loaded === dependency);
        if (found === undefined || lists.includes(found) || !isPackage(found)) continue;
        yield {
          rule: this.id,
          severity: "note",
          element,
          place: placeOf(node),
          message: `${found.fullName} is added beside ${lists.map(({ fullName }) => fullName).join(", ")}`,
          advice: "Packages belong in the stack that lists them: what else is made of that has them, too",
        };
      }
    }
  },
};

/** Whether it installs files of its own, and is not made of others'. */
export function isPackage({ definition, hasArtifact, kind }: Element): boolean {
  return hasArtifact && definition.strictRebuild !== true && definition.collects !== true && kind !== "junction";
}
