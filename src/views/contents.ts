/** The files of artifacts, as questions about them need them. */
import { domainsOf, splitFilter } from "../artifact/splits.ts";
import type { Digest } from "../cas/digest.ts";
import type { TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { walk } from "../cas/walk.ts";
import type { Element } from "../project/element.ts";
import { MappingNode } from "../yaml/node.ts";

/** What is in the cache. */
export interface ArtifactFiles {
  readonly cas: Cas;
  /** The files of an element; undefined where its artifact is not there. */
  files(element: Element): Digest | undefined;
  /** Public data as the build left them, where the artifact is there. */
  publicData(element: Element): MappingNode;
}

/** By paths. */
type Nodes = ReadonlyMap<string, TreeNode>;

interface Content {
  readonly leaves: Nodes;
  readonly files: Nodes;
  /** Folders that are not empty. */
  readonly folders: Nodes;
}

const known = new WeakMap<Cas, Map<string, Content>>();

/** Files and symlinks; undefined where the artifact is not in the cache. */
export function contentOf(context: ArtifactFiles, element: Element): Nodes | undefined {
  return read(context, element)?.files;
}

/** Files and symlinks of a tree. */
export function filesIn(cas: Cas, tree: Digest): Nodes {
  return contentIn(cas, tree).files;
}

/** The same with empty directories. */
export function leavesOf(context: ArtifactFiles, element: Element): Nodes | undefined {
  return read(context, element)?.leaves;
}

/** What is at a path: a folder as well, empty or not. */
export function nodeAt(context: ArtifactFiles, element: Element, path: string): TreeNode | undefined {
  const content = read(context, element);
  return content?.leaves.get(path) ?? content?.folders.get(path);
}

function read(context: ArtifactFiles, element: Element): Content | undefined {
  const tree = context.files(element);
  return tree === undefined ? undefined : contentIn(context.cas, tree);
}

function contentIn(cas: Cas, tree: Digest): Content {
  const trees = known.get(cas) ?? new Map<string, Content>();
  known.set(cas, trees);
  const found = trees.get(tree.hash) ?? readTree(cas, tree);
  trees.set(tree.hash, found);
  return found;
}

function readTree(cas: Cas, tree: Digest): Content {
  const leaves = new Map<string, TreeNode>();
  const files = new Map<string, TreeNode>();
  const folders = new Map<string, TreeNode>();
  for (const { path, node } of walk(cas, tree)) {
    if (node.kind !== "directory") files.set(path, node);
    (node.kind === "directory" && node.digest.size > 0 ? folders : leaves).set(path, node);
  }
  // Mostly they are the same.
  return { leaves: leaves.size === files.size ? files : leaves, files, folders };
}

/** Elements with files whose artifacts are not in the cache. */
export function missingOf(context: ArtifactFiles, elements: readonly Element[]): Element[] {
  return elements.filter((element) => element.hasArtifact && context.files(element) === undefined);
}

export function splitRules(context: ArtifactFiles, element: Element): MappingNode {
  return context.publicData(element).mapping("bst")?.mapping("split-rules") ?? MappingNode.empty;
}

/** What a `compose` or `filter` takes of an artifact. */
export function selectionOf(element: Element) {
  const { config } = element;
  return {
    include: config.strings("include") ?? [],
    exclude: config.strings("exclude") ?? [],
    orphans: config.bool("include-orphans") ?? element.kind === "compose",
  };
}

/** Paths in artifacts that a `compose` leaves out, with the element that has each. */
export function droppedBy(context: ArtifactFiles, compose: Element, parts: readonly Element[]): Map<string, Element> {
  const dropped = new Map<string, Element>();
  const kept = contentOf(context, compose);
  for (const part of parts) {
    const takes = splitFilter(splitRules(context, part), selectionOf(compose));
    if (takes === undefined) continue;
    for (const path of contentOf(context, part)?.keys() ?? []) {
      if (!takes(path) && !kept?.has(path)) dropped.set(path, part);
    }
  }
  return dropped;
}

/** `devel, debug`, or that it belongs to none. */
export function domainText(context: ArtifactFiles, element: Element, path: string): string {
  const domains = domainsOf(splitRules(context, element), path);
  return domains.length === 0 ? "no domain" : domains.join(", ");
}

/** The first few of many names. */
export function some(names: readonly string[], limit = 3): string {
  const listed = names.slice(0, limit).join(", ");
  return names.length > limit ? `${listed} and ${names.length - limit} more` : listed;
}
