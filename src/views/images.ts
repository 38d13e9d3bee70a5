/** The images that a project makes: by elements of kind `oci`, and by scripts that call `build-oci`. */
import { BstError } from "../base/errors.ts";
import { dependencies, Visited } from "../graph/scopes.ts";
import { readOciSpec } from "../oci/schema.ts";
import type { Element } from "../project/element.ts";
import type { Dependency } from "../project/load-element.ts";
import type { MappingNode, Node, ScalarNode } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import { type Place, placeOf } from "./place.ts";
import { allCalls, type PlacedCall } from "./scripts.ts";

export interface LintLayer {
  /** What is named as layer, or staged where the layer is made. */
  readonly root: Element;
  readonly node: Node;
  /** Where a script has it. */
  readonly location: string | undefined;
}

/** One of the images that an element makes. */
export interface LintImage {
  readonly element: Element;
  /** Counted from 0. */
  readonly index: number;
  readonly layers: readonly LintLayer[];
  /** Images below it. */
  readonly parents: readonly ParentImage[];
  /** Whether layers are put over what parents have, and not all that there is. */
  readonly adds: boolean;
  /** Of a script: all that it calls. */
  readonly calls: readonly PlacedCall[];
  /** Where a script has the files of its layers. */
  readonly folders: readonly string[];
  readonly start: Start;
}

/** What containers of an image run, as far as it is said. */
export interface Start {
  /** `Entrypoint` and `Cmd`. */
  readonly words: readonly { readonly text: string; readonly place: Place }[];
  /** The variables that are set. */
  readonly environment: readonly string[];
}

export interface ParentImage {
  readonly element: Element;
  /** Which of its images, counted from 0. */
  readonly index: number;
}

/** A build dependency of a script, where its `location` is another than the root. */
export interface Located {
  readonly element: Element;
  readonly location: string;
  readonly node: Node;
}

/** None where an element makes no images. */
export function imagesOf(element: Element): LintImage[] {
  if (element.kind === "oci") return ociImages(element);
  if (element.kind !== "script") return [];
  const calls = allCalls(element);
  const described = calls.filter(({ program }) => program === "build-oci").flatMap(describedImages);
  const located = locatedDependencies(element);
  const layers = new Set(described.flatMap(({ layer }) => layer ?? []));
  const parents = new Set(described.flatMap(({ parent }) => parent?.folder ?? []));
  const isParent = ({ location, element: it }: Located) =>
    parents.has(location) || (!layers.has(location) && imagesOf(it).length > 0);
  // Of what it does not name, commands can have made any of its layers.
  const layersOf = (layer: string | undefined) =>
    located.filter((each) => !isParent(each) && (each.location === layer || !layers.has(each.location)));
  return described.map(({ layer, parent, adds, start }, index) => ({
    element,
    index,
    calls,
    adds,
    start,
    folders: [
      ...new Set([...(layer === undefined ? [] : [layer]), ...layersOf(layer).map(({ location }) => location)]),
    ],
    layers: layersOf(layer).map(({ element: root, ...rest }) => ({ root, ...rest })),
    parents: located
      .filter((each) => isParent(each) && (each.location === parent?.folder || !parents.has(each.location)))
      .map((each) => ({ element: each.element, index: parent?.index ?? 0 })),
  }));
}

/** The image of an index; the only one, or the first, where there are not so many. */
export function imageOf(element: Element, index = 0): LintImage | undefined {
  const images = imagesOf(element);
  return images[index] ?? images[0];
}

interface DescribedImage {
  /** Folders of a script. */
  readonly layer: string | undefined;
  readonly parent: { readonly folder: string; readonly index: number } | undefined;
  readonly adds: boolean;
  readonly start: Start;
}

/** What `build-oci` is told; of what the shell has yet to put together, as far as lines look like it. */
function describedImages(call: PlacedCall): DescribedImage[] {
  const { input } = call;
  try {
    const file = { path: "build-oci", shortName: "build-oci", displayName: "input" };
    const images = parseYaml(input, file).sequence("images")?.mappings() ?? [];
    if (images.length > 0) return images.map((image) => describedImage(image, call));
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
  }
  const named = (key: string) =>
    new RegExp(`(?:^|[{,])[ \\t]*(?:-[ \\t]*)?${key}:[ \\t]*["']?(/[^\\s"',}]*)`, "m").exec(input)?.[1];
  const [folder, layer] = [named("image"), named("layer")];
  const parent = folder === undefined ? undefined : { folder, index: 0 };
  return [{ layer: layer ?? named("add"), parent, adds: layer === undefined, start: startOf(undefined) }];
}

function describedImage(image: MappingNode, call: PlacedCall): DescribedImage {
  const parent = image.mapping("parent");
  const folder = parent?.string("image");
  const layer = image.string("layer");
  return {
    layer: withoutEnd(layer ?? image.string("add")),
    parent:
      folder === undefined ? undefined : { folder: withoutEnd(folder), index: Number(parent?.string("index") ?? 0) },
    adds: layer === undefined,
    start: startOf(image.mapping("config"), ({ line, value }) => call.placeOfInput(line, value)),
  };
}

function startOf(config: MappingNode | undefined, placeAt: (node: ScalarNode) => Place = placeOf): Start {
  const scalars = (key: string) => {
    const node = config?.get(key);
    return node?.type === "sequence" ? node.items.filter((item) => item.type === "scalar") : [];
  };
  return {
    words: ["Entrypoint", "Cmd"].flatMap(scalars).map((node) => ({ text: node.value, place: placeAt(node) })),
    environment: scalars("Env").map(({ value }) => value),
  };
}

function withoutEnd<T extends string | undefined>(folder: T): T | string {
  return folder === undefined ? folder : folder.replace(/(?<=.)\/+$/, "");
}

function ociImages(element: Element): LintImage[] {
  const nodes = element.config.sequence("images")?.mappings() ?? [];
  const find = (name: string) =>
    directly(element).find(({ path, element: it }) => path === name || it.name === name)?.element;
  return readOciSpec(element.config).images.map(({ layer, add, parent }, index) => {
    const list = nodes[index]?.sequence(layer === undefined ? "add" : "layer");
    const layers = (layer ?? add ?? []).flatMap((name, j) => {
      const [root, node] = [find(name), list?.items[j]];
      return root === undefined || node === undefined ? [] : [{ root, node, location: undefined }];
    });
    const below = parent && find(parent.element);
    const parents = below === undefined ? [] : [{ element: below, index: parent?.image ?? 0 }];
    const start = startOf(nodes[index]?.mapping("config"));
    return { element, index, layers, parents, calls: [], folders: [], adds: layer === undefined, start };
  });
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
      return staged(imagesOf(element).flatMap(({ layers }) => layers.map(({ root }) => root)));
    case "script":
      return staged(locatedDependencies(element).map((each) => each.element));
    default:
      return [];
  }
}

/**
 * Those of {@link madeOf} whose files have the same paths in the element, the lowest first.
 * @param index which of its images is meant, where it makes some
 */
export function overlaid(element: Element, index: number): readonly Element[] {
  const image = imageOf(element, index);
  if (image !== undefined) {
    const below = image.adds ? image.parents.map((parent) => parent.element) : [];
    return [...below, ...staged(image.layers.map(({ root }) => root))];
  }
  if (element.kind !== "script") return madeOf(element);
  const root = installRoot(element);
  return staged(locatedDependencies(element).flatMap(({ element: it, location }) => (location === root ? [it] : [])));
}

/** Absolute path of the folder that a script's artifact is made of. */
export function installRoot(element: Element): string {
  return (element.variable("install-root") ?? "/").replace(/(?<=.)\/+$/, "");
}

/** Whether an absolute path is where commands of an element work, and none of what it installs. */
export function isScratch(element: Element, path: string): boolean {
  const folders = ["/tmp", "/var/tmp", element.variable("build-root")];
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** What is staged with elements: what they need to run comes along. */
export function staged(roots: readonly Element[]): Element[] {
  const visited = new Visited();
  return roots.flatMap((root) => dependencies(root, "run", visited));
}

/**
 * All elements whose files can reach an image by its layers.
 * @param isPassed whether what an element is made of counts as well
 */
export function contributors({ layers }: Pick<LintImage, "layers">, isPassed = (_: Element) => true): Set<Element> {
  const found = new Set(staged(layers.map(({ root }) => root)));
  // It grows while it is walked over.
  for (const element of found) if (isPassed(element)) for (const each of madeOf(element)) found.add(each);
  return found;
}
