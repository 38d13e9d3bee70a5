/** Divides the files of an image among layers by the elements that they come from. */
import type { Digest } from "../cas/digest.ts";
import { divide } from "../oci/division.ts";
import type { Divide } from "../oci/layer-entries.ts";
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
 * How an image asks for its content to be divided; undefined where it does not. Only what the image does not have from its
 * parent counts.
 * @param ownProject the one whose elements are named without it
 */
export function divided(
  io: BuildIo,
  ownProject: string,
  { maxLayers, parent }: ImageSpec,
  { tree, staged }: StagedContent,
): Divide | undefined {
  if (maxLayers === undefined) return undefined;
  return (entries) => {
    const { elements, of } = originsOfStaged(io, tree, staged);
    const bases = basesBehind(staged);
    const sizes = elements.map(() => 0);
    for (const entry of entries) {
      const index = of.get(entry.path) ?? -1;
      const blocks = entry.kind === "file" ? Math.ceil(entry.digest.size / BLOCK) : 0;
      if (index >= 0) sizes[index] = (sizes[index] ?? 0) + BLOCK * (1 + blocks);
    }
    const weighed = elements.flatMap((origin, index) => {
      const { project, name, changes } = origin;
      const size = sizes[index] ?? 0;
      const isBase = bases.has(originId(origin));
      return size === 0
        ? []
        : [{ name: project === ownProject ? name : originId(origin), changes, isBase, size, index }];
    });
    const places = new Map(weighed.map(({ index }, place) => [index, place]));
    // What is gone from a parent has a layer of its own.
    return divide(weighed, maxLayers - (parent === undefined ? 0 : 1), (path) => places.get(of.get(path) ?? -1));
  };
}
