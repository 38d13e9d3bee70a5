/** Divides the files of an image among layers by the elements that they come from. */
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import type { Division } from "../oci/assemble.ts";
import { divide } from "../oci/division.ts";
import type { ImageSpec } from "../oci/schema.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { basesBehind } from "./bases.ts";
import { originId, originsOfStaged } from "./origins.ts";

/** Of an archive, for each entry. */
const BLOCK = 512;

/** The content of an image. */
export interface StagedContent {
  readonly tree: Digest;
  /** What it is made of, in this order. */
  readonly staged: readonly DependencyFacts[];
}

/**
 * How an image asks for its content to be divided; undefined where it does not.
 * @param ownProject the one whose elements are named without it
 */
export function divided(
  io: BuildIo,
  ownProject: string,
  { maxLayers, parent }: ImageSpec,
  { tree, staged }: StagedContent,
): Division | undefined {
  if (maxLayers === undefined) return undefined;
  const { elements, of } = originsOfStaged(io, tree, staged);
  const sizes = elements.map(() => 0);
  for (const { path, node } of new Tree(io.cas, tree).entries()) {
    const index = of.get(path);
    if (index === undefined) continue;
    const blocks = node.kind === "file" ? Math.ceil(node.digest.size / BLOCK) : 0;
    sizes[index] = (sizes[index] ?? 0) + BLOCK * (1 + blocks);
  }
  const bases = basesBehind(staged);
  const weighed = elements.map((origin, index) => {
    const { project, name, changes } = origin;
    const isBase = bases.has(originId(origin));
    return { name: project === ownProject ? name : originId(origin), changes, isBase, size: sizes[index] ?? 0 };
  });
  // What is gone from a parent has a layer of its own.
  return divide(weighed, maxLayers - (parent === undefined ? 0 : 1), (path) => of.get(path));
}
