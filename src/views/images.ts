/** The images that a project makes: by elements of kind `oci`, and by scripts that call `build-oci`. */
import { dependencies, Visited } from "../graph/scopes.ts";
import { readOciSpec } from "../oci/schema.ts";
import type { Element } from "../project/element.ts";
import type { Dependency } from "../project/load-element.ts";
import type { Node } from "../yaml/node.ts";
import { allCalls, type PlacedCall } from "./scripts.ts";

export interface LintLayer {
  /** What is named as layer, or staged where the layer is made. */
  readonly root: Element;
  readonly node: Node;
  /** Where a script has it. */
  readonly location: string | undefined;
}

export interface LintImage {
  readonly element: Element;
  readonly layers: readonly LintLayer[];
  /** Images below it. */
  readonly parents: readonly Element[];
  /** Whether layers are put over what parents have, and not all that there is. */
  readonly adds: boolean;
  /** Of a script: all that it calls. */
  readonly calls: readonly PlacedCall[];
}

/** A build dependency of a script, where its `location` is another than the root. */
export interface Located {
  readonly element: Element;
  readonly location: string;
  readonly node: Node;
}

export function imageOf(element: Element): LintImage | undefined {
  if (element.kind === "oci") return ociImage(element);
  if (element.kind !== "script") return undefined;
  const calls = allCalls(element);
  const builder = calls.find(({ program }) => program === "build-oci");
  if (builder === undefined) return undefined;
  const named = (key: string) =>
    [...builder.input.matchAll(new RegExp(`^[ \\t]*(?:-[ \\t]*)?${key}:[ \\t]*["']?(/[^\\s"']*)`, "gm"))].map(
      (match) => match[1] ?? "",
    );
  const [parents, layers] = [named("image"), named("layer")];
  const located = locatedDependencies(element);
  const isParent = ({ location, element: it }: Located) =>
    parents.includes(location) || (!layers.includes(location) && imageOf(it) !== undefined);
  return {
    element,
    calls,
    adds: true,
    layers: located.filter((each) => !isParent(each)).map(({ element: root, ...rest }) => ({ root, ...rest })),
    parents: located.filter(isParent).map((each) => each.element),
  };
}

function ociImage(element: Element): LintImage {
  const spec = readOciSpec(element.config);
  const nodes = element.config.sequence("images")?.mappings() ?? [];
  const find = (name: string) =>
    directly(element).find(({ path, element: it }) => path === name || it.name === name)?.element;
  const layers = spec.images.flatMap(({ layer, add }, i) =>
    (layer ?? add ?? []).flatMap((name, j) => {
      const root = find(name);
      const node = nodes[i]?.sequence(layer === undefined ? "add" : "layer")?.items[j];
      return root === undefined || node === undefined ? [] : [{ root, node, location: undefined }];
    }),
  );
  const parents = spec.images.flatMap(({ parent }) => (parent === undefined ? [] : (find(parent.element) ?? [])));
  const adds = layers.length === 0 || spec.images.some(({ add }) => add !== undefined);
  return { element, layers, parents, calls: [], adds };
}

export function locatedDependencies(element: Element): Located[] {
  return directly(element).flatMap(({ element: it, configs, node }) =>
    configs.flatMap((config) => {
      const location = (element.variables.expand(config).string("location") ?? "/").replace(/(?<=.)\/+$/, "");
      return location === "/" ? [] : [{ element: it, location, node }];
    }),
  );
}

/** Direct build dependencies as they are declared. */
export function directly(element: Element): (Omit<Dependency, "element"> & { readonly element: Element })[] {
  return element.loaded.dependencies.flatMap((dependency) => {
    const found = element.buildDependencies.find(({ loaded }) => loaded === dependency.element);
    return found === undefined ? [] : [{ ...dependency, element: found }];
  });
}

/** The elements that an element's artifact is made of the files of; none for those that install files of their own. */
export function madeOf(element: Element): readonly Element[] {
  switch (element.kind) {
    case "compose":
      return dependencies(element, "build");
    case "filter":
      return element.buildDependencies.slice(0, 1);
    case "oci":
      return staged((imageOf(element)?.layers ?? []).map(({ root }) => root));
    case "script":
      return staged(locatedDependencies(element).map((each) => each.element));
    default:
      return [];
  }
}

/** Those of {@link madeOf} whose files have the same paths in the element, the lowest first. */
export function overlaid(element: Element): readonly Element[] {
  const image = imageOf(element);
  if (image !== undefined) {
    return [...(image.adds ? image.parents : []), ...staged(image.layers.map(({ root }) => root))];
  }
  if (element.kind !== "script") return madeOf(element);
  const root = installRoot(element);
  return staged(locatedDependencies(element).flatMap(({ element: it, location }) => (location === root ? [it] : [])));
}

/** Absolute path of the folder that a script's artifact is made of. */
export function installRoot(element: Element): string {
  return (element.variable("install-root") ?? "/").replace(/(?<=.)\/+$/, "");
}

/** What is staged with elements: what they need to run comes along. */
export function staged(roots: readonly Element[]): Element[] {
  const visited = new Visited();
  return roots.flatMap((root) => dependencies(root, "run", visited));
}

/** All elements whose files can reach an image by its layers. */
export function contributors({ layers }: LintImage): Set<Element> {
  const found = new Set(staged(layers.map(({ root }) => root)));
  // It grows while it is walked over.
  for (const element of found) for (const each of madeOf(element)) found.add(each);
  return found;
}
