/** The files of an element by the elements that they come from. */
import { attribute } from "../cas/attribution.ts";
import type { TreeNode } from "../cas/directory.ts";
import { elementsByOrigin, type OriginIo, originId, originIdOf, originsOf } from "../elements/origins.ts";
import { dependencies } from "../graph/scopes.ts";
import { Element } from "../project/element.ts";
import type { DependencyFacts } from "../project/element-kind.ts";
import { contentOf } from "./contents.ts";
import type { SeenFiles } from "./image-files.ts";
import { overlaid } from "./images.ts";

export interface ElementFiles {
  readonly element: string;
  /** Whether the element is made of others' files, and its commands made or changed these. */
  readonly byCommands: boolean;
  readonly files: readonly { readonly path: string; readonly node: TreeNode }[];
  /** Bytes of all of them. */
  readonly size: number;
}

export interface FilesByElement {
  /** The largest first. */
  readonly groups: readonly ElementFiles[];
  /** Elements that files may come from, and whose artifacts are not in the cache. */
  readonly missing: readonly Element[];
}

interface Origin {
  readonly element: string;
  readonly byCommands: boolean;
}

/** @param element whose artifact is in the cache */
export function filesByElement(seen: SeenFiles, element: Element): FilesByElement {
  const finder = new OriginFinder(seen);
  const origins = finder.of(element);
  const groups = new Map<string, { origin: Origin; files: { path: string; node: TreeNode }[]; size: number }>();
  for (const [path, node] of contentOf(seen, element) ?? []) {
    const origin = origins.get(path) ?? { element: element.fullName, byCommands: false };
    const key = `${origin.element} ${origin.byCommands}`;
    const group = groups.get(key) ?? { origin, files: [], size: 0 };
    groups.set(key, group);
    group.files.push({ path, node });
    if (node.kind === "file") group.size += node.digest.size;
  }
  return {
    groups: [...groups.values()]
      .map(({ origin, files, size }) => ({ ...origin, files, size }))
      .sort((a, b) => b.size - a.size || b.files.length - a.files.length),
    missing: [...finder.missing],
  };
}

/** Sees through all that is made of others' files, by what that recorded, or by comparison. */
class OriginFinder {
  readonly missing = new Set<Element>();
  readonly #seen: SeenFiles;
  readonly #known = new Map<Element, ReadonlyMap<string, Origin>>();
  readonly #io: OriginIo;

  constructor(seen: SeenFiles) {
    this.#seen = seen;
    this.#io = {
      cas: seen.cas,
      artifactTree: (facts) => {
        const tree = seen.files(asElement(facts));
        if (tree === undefined) throw new Error(`${facts.fullName} was looked into, and is not in the cache`);
        return tree;
      },
      publicData: (facts, domain) => seen.publicData(asElement(facts)).mapping(domain),
    };
  }

  of(element: Element): ReadonlyMap<string, Origin> {
    const known = this.#known.get(element);
    if (known !== undefined) return known;
    const found = new Map<string, Origin>();
    this.#known.set(element, found);
    const tree = this.#seen.files(element);
    if (tree === undefined) {
      if (element.hasArtifact) this.missing.add(element);
      return found;
    }
    const all = overlaid(element, this.#seen.indexOf(element)).filter(({ hasArtifact }) => hasArtifact);
    const parts = all.filter((each) => this.#seen.files(each) !== undefined);
    // What is recorded knows of elements that are not here.
    if (parts.length < all.length && this.#record(element, found)) return found;
    for (const each of all) if (!parts.includes(each)) this.missing.add(each);
    const trees = parts.map((part) => this.#io.artifactTree(part));
    for (const { path, source } of attribute(this.#seen.cas, tree, trees)) {
      const part = parts[source];
      const origin = part === undefined ? undefined : this.of(part).get(path);
      found.set(path, origin ?? { element: element.fullName, byCommands: all.length > 0 && element.kind !== "oci" });
    }
    return found;
  }

  #record(element: Element, found: Map<string, Origin>): boolean {
    const { elements, of } = originsOf(this.#io, element);
    const [first] = elements;
    if (elements.length === 1 && first !== undefined && originId(first) === originIdOf(element)) return false;
    const known = elementsByOrigin(dependencies(element, "all"));
    const names = elements.map(originId).map((id) => known.get(id)?.fullName ?? id);
    for (const path of contentOf(this.#seen, element)?.keys() ?? []) {
      const name = names[of.get(path) ?? -1];
      found.set(path, { element: name ?? element.fullName, byCommands: name === undefined });
    }
    return true;
  }
}

function asElement(facts: DependencyFacts): Element {
  if (facts instanceof Element) return facts;
  throw new Error(`${facts.fullName} is no element of this session`);
}
