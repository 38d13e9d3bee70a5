/** What a layer tells: what differs between two file systems, as entries in the order in which they are applied. */
import { BstError } from "../base/errors.ts";
import { pairNodes, sameNode } from "../cas/diff.ts";
import type { Digest } from "../cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST, type TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { type AttributeMap, type Attributes, sameAttributes, usualAttributes } from "./attributes.ts";

/** What the name of a file begins with that hides another in the layers below. */
export const WHITEOUT = ".wh.";
/** The name of the file that hides all that the layers below have in its folder. */
export const OPAQUE = ".wh..wh..opq";

/** A file system: what is in it, and what its entries have besides. */
export interface Content {
  readonly tree: Digest;
  readonly attributes: AttributeMap;
}

export const EMPTY_CONTENT: Content = { tree: EMPTY_DIRECTORY_DIGEST, attributes: new Map() };

export type LayerEntry = { readonly path: string; readonly attributes: Attributes } & (
  | { readonly kind: "file"; readonly digest: Digest }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "directory" }
);

/** How what differs is divided into layers. */
export interface Division {
  /** What each layer holds, for the history; the lowest first. */
  readonly parts: readonly string[];
  /** Which of them a path belongs to. */
  partOf(path: string): number;
}

/** @param entries all that is to be told, without what is gone */
export type Divide = (entries: readonly LayerEntry[]) => Division;

/** One of the layers. */
export interface DividedEntries {
  readonly about: string;
  readonly entries: readonly LayerEntry[];
}

/**
 * The same with files executable as their modes say: what is read from layers has nothing else to go by. All functions
 * here expect it so.
 */
export function settled(cas: Cas, { tree, attributes }: Content): Content {
  const files = new Tree(cas, tree);
  for (const [path, { mode }] of attributes) {
    const node = files.lookup(path);
    if (node?.kind !== "file") continue;
    const { executable, ...rest } = node;
    if (executable !== isExecutable(mode)) files.addFile(path, rest.digest, { ...rest, executable: !executable });
  }
  return { tree: files.digest(), attributes };
}

/** Of the mode of a file. */
export function isExecutable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}

/** What the layer that makes `content` of `below` leaves: what was declared, and what stays of the rest. */
export function contentOver(cas: Cas, { tree, attributes }: Content, below: Content): Content {
  const [now, before] = [new Tree(cas, tree), new Tree(cas, below.tree)];
  const left = new Map<string, Attributes>();
  for (const [path, each] of below.attributes) {
    const [a, b] = [before.lookup(path), now.lookup(path)];
    if (a !== undefined && b !== undefined && isKept(a, b)) left.set(path, each);
  }
  for (const [path, each] of attributes) {
    const node = now.lookup(path);
    if (node !== undefined && sameAttributes(each, usualAttributes(node))) left.delete(path);
    else left.set(path, each);
  }
  return { tree, attributes: left };
}

/** Whether a path keeps what it has besides its content. */
function isKept(before: TreeNode, after: TreeNode): boolean {
  return before.kind === "directory" ? after.kind === "directory" : sameNode(before, after);
}

/** One entry of all, told or not: a directory where nothing differs but something below it. */
interface Step {
  readonly entry: LayerEntry;
  readonly isTold: boolean;
  /** Whether it stands for something gone. */
  readonly hides: boolean;
  /** Whether it is a new directory with content. */
  readonly isImplied: boolean;
}

/**
 * What makes `content` of `below`. Directories come before what is in them, and all directories above an entry are told
 * as well.
 * @throws BstError in domain "element" for names that a layer can't have
 */
export function layerEntries(cas: Cas, content: Content, below: Content): Iterable<LayerEntry> {
  return told(new Difference(cas, content, below).steps(), () => true);
}

/**
 * The same, divided; layers may be empty. The first has what is gone, which must be told below all others so that it
 * hides nothing that they bring; then comes one for each part.
 */
export function dividedEntries(cas: Cas, content: Content, below: Content, divide: Divide): DividedEntries[] {
  const steps = [...new Difference(cas, content, below).steps()];
  // New folders are told by whatever brings their content.
  const own = steps.filter(({ isTold, hides, isImplied }) => isTold && !hides && !isImplied);
  const division = divide(own.map(({ entry }) => entry));
  const partOf = new Map(own.map((step) => [step, division.partOf(step.entry.path)]));
  return [
    { about: "What is gone", entries: [...told(steps, ({ hides }) => hides)] },
    ...division.parts.map((about, i) => ({ about, entries: [...told(steps, (step) => partOf.get(step) === i)] })),
  ];
}

function* told(steps: Iterable<Step>, has: (step: Step) => boolean): Generator<LayerEntry> {
  /** Directories above the present entry that were not told yet. */
  let above: LayerEntry[] = [];
  for (const step of steps) {
    const { entry } = step;
    while (above.length > 0 && !entry.path.startsWith(`${above.at(-1)?.path}/`)) above.pop();
    if (step.isTold && has(step)) {
      yield* above;
      above = [];
      yield entry;
    } else if (entry.kind === "directory") {
      above.push(entry);
    }
  }
}

class Difference {
  readonly #cas: Cas;
  readonly #content: Content;
  readonly #below: Content;
  /** Results of {@link #removals}. */
  readonly #counted = new Map<string, number | undefined>();
  /** Directories below which something has attributes of its own. */
  readonly #declared: ReadonlySet<string>;

  constructor(cas: Cas, content: Content, below: Content) {
    this.#cas = cas;
    this.#content = content;
    this.#below = below;
    this.#declared = parentsOf(content.attributes.keys());
  }

  steps(): Generator<Step> {
    return this.#directory("", this.#below.tree, this.#content.tree, false);
  }

  /** @param isHidden whether an opaque directory hides all that was there */
  *#directory(prefix: string, before: Digest | undefined, after: Digest, isHidden: boolean): Generator<Step> {
    let hidden = isHidden;
    if (!hidden && before !== undefined && prefix !== "" && (this.#removals(prefix, before, after) ?? 0) > 1) {
      yield hiding(prefix + OPAQUE);
      hidden = true;
    }
    for (const { name, a, b } of pairNodes(this.#cas, before, after)) {
      if (b !== undefined) yield* this.#node(prefix + name, a, b, hidden);
      else if (!hidden) yield hiding(prefix + WHITEOUT + name);
    }
  }

  *#node(path: string, before: TreeNode | undefined, after: TreeNode, isHidden: boolean): Generator<Step> {
    const isSame = before !== undefined && sameNode(before, after);
    if (isSame && !this.#content.attributes.has(path) && !this.#declared.has(path)) return;
    if (!isSame && after.name.startsWith(WHITEOUT)) throw reserved(path);
    const attributes = this.#attributes(path, before, after);
    const isNew = before === undefined || isHidden || !isKept(before, after);
    const isTold = isNew || !sameAttributes(attributes, this.#attributesBelow(path, before));
    const isImplied = isNew && after.kind === "directory" && after.digest.size > 0;
    yield { entry: entryOf(path, after, attributes), isTold, hides: false, isImplied };
    if (after.kind !== "directory") return;
    const old = before?.kind === "directory" ? before.digest : undefined;
    yield* this.#directory(`${path}/`, old, after.digest, isHidden);
  }

  /** What is declared; else what was, where the content is the same; else the usual. */
  #attributes(path: string, before: TreeNode | undefined, after: TreeNode): Attributes {
    const declared = this.#content.attributes.get(path);
    if (declared !== undefined) return declared;
    const stays = before !== undefined && isKept(before, after);
    return stays ? this.#attributesBelow(path, before) : usualAttributes(after);
  }

  #attributesBelow(path: string, before: TreeNode): Attributes {
    return this.#below.attributes.get(path) ?? usualAttributes(before);
  }

  /** How many whiteouts would tell what is gone in a directory; undefined where something in it stays as it is. */
  #removals(prefix: string, before: Digest, after: Digest): number | undefined {
    if (this.#counted.has(prefix)) return this.#counted.get(prefix);
    let count: number | undefined = 0;
    for (const { name, a, b } of pairNodes(this.#cas, before, after)) {
      if (a === undefined) continue;
      if (b === undefined) count++;
      else if (sameNode(a, b)) count = undefined;
      else if (a.kind === "directory" && b.kind === "directory") {
        const inside = this.#removals(`${prefix}${name}/`, a.digest, b.digest);
        count = inside === undefined ? undefined : count + inside;
      }
      if (count === undefined) break;
    }
    this.#counted.set(prefix, count);
    return count;
  }
}

/** An empty file that stands for something gone. */
function hiding(path: string): Step {
  const attributes = usualAttributes({ kind: "file" });
  return {
    entry: { kind: "file", path, digest: EMPTY_DIRECTORY_DIGEST, attributes },
    isTold: true,
    hides: true,
    isImplied: false,
  };
}

function entryOf(path: string, node: TreeNode, attributes: Attributes): LayerEntry {
  if (node.kind === "directory") return { kind: "directory", path, attributes };
  if (node.kind === "symlink") return { kind: "symlink", path, attributes, target: node.target };
  return { kind: "file", path, attributes, digest: node.digest };
}

function parentsOf(paths: Iterable<string>): Set<string> {
  const parents = new Set<string>();
  for (const path of paths) {
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const parent = path.slice(0, slash);
      if (parents.has(parent)) break;
      parents.add(parent);
    }
  }
  return parents;
}

function reserved(path: string): BstError {
  return new BstError("element", `No image can have a file with this name: /${path}`, {
    reason: "oci-reserved-name",
    detail: `In layers, names that begin with ${WHITEOUT} stand for files that are removed.`,
  });
}
