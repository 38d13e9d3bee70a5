/** Divides the files of an image among layers by the elements that they come from. */
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import type { Division } from "../oci/assemble.ts";
import { divide } from "../oci/division.ts";
import type { ImageSpec } from "../oci/schema.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { originsOfStaged } from "./origins.ts";

/** Of an archive, for each entry. */
const BLOCK = 512;

/**
 * How an image asks for its content to be divided; undefined where it does not.
 * @param tree its content, made of `staged` in this order
 */
export function divided(
  io: BuildIo,
  { maxLayers, parent }: ImageSpec,
  tree: Digest,
  staged: readonly DependencyFacts[],
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
  const weighed = elements.map((element, index) => ({ ...element, size: sizes[index] ?? 0 }));
  // What is gone from a parent has a layer of its own.
  return divide(weighed, maxLayers - (parent === undefined ? 0 : 1), (path) => of.get(path));
}
