/** Kind `oci`: images of what it depends on, each a layer on top of its parent, as one OCI layout. */
import type { KeyValue } from "../base/json.ts";
import { inTree } from "../base/paths.ts";
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import { assembleImages, type Division, type ImageInput } from "../oci/assemble.ts";
import { divide } from "../oci/division.ts";
import { Memo } from "../oci/memo.ts";
import { type ImageSpec, ociSchema, readOciSpec } from "../oci/schema.ts";
import { withCommit } from "../oci/vcs.ts";
import type { Checkout } from "../project/checkout.ts";
import type { BuildIo, ConfiguredDependency, DependencyFacts, ElementKind } from "../project/element-kind.ts";
import { makesImages } from "./build-oci.ts";
import { declaredByStaged, originsOfStaged } from "./origins.ts";

const OUTPUT = "/output";

export const oci: ElementKind = {
  kind: "oci",
  schema: ociSchema,
  forbids: ["sources"],
  collects: true,
  configure(config, facts) {
    const { error } = facts;
    const asWritten = readOciSpec(config);
    const checkout = asWritten.describesCommit ? facts.checkout() : undefined;
    const spec = checkout === undefined ? asWritten : withCommit(asWritten, checkout);
    let declared: readonly ConfiguredDependency[] = [];
    const find = (name: string): DependencyFacts => {
      const found = declared.find(({ path, element }) => path === name || element.name === name);
      if (found !== undefined) return found.element;
      throw error(`'${name}' is no build dependency`, {
        reason: "oci-missing-dependency",
        detail: "Parents and layers of images must be listed under 'build-depends'.",
      });
    };
    const content = (io: BuildIo, image: ImageSpec, selection: readonly DependencyFacts[], index: number) => {
      const tree = stageLayer(io, selection, index);
      const elements = io.dependencies(selection);
      const declared = declaredByStaged(io, elements);
      const { maxLayers, parent } = image;
      if (maxLayers === undefined) return { tree, declared };
      // What is gone from a parent has a layer of its own.
      return { tree, declared, division: divided(io, tree, elements, maxLayers - (parent === undefined ? 0 : 1)) };
    };
    const input = (io: BuildIo, image: ImageSpec, index: number): ImageInput => {
      const parent = image.parent && find(image.parent.element);
      const selected = image.layer ?? image.add;
      return {
        ...(parent && {
          parent: { layout: io.artifactTree(parent), name: parent.fullName, isMade: makesImages(parent) },
        }),
        ...(selected && content(io, image, selected.map(find), index)),
      };
    };
    return {
      runsCommands: false,
      configureDependencies(dependencies) {
        declared = dependencies;
        for (const { parent, layer, add } of spec.images) {
          if (parent !== undefined) find(parent.element);
          layer?.forEach(find);
          add?.forEach(find);
        }
      },
      uniqueKey: () => ({ ...config.toPlain(), ...(checkout !== undefined && { checkout: keyOf(checkout) }) }),
      async assemble(io) {
        if (spec.describesCommit && checkout === undefined) {
          io.warn("Nothing is known of the commit that the images are made of", {
            detail: "'vcs-annotations' needs the project's folder to be in a git repository, and git.",
          });
        }
        const inputs = spec.images.map((image, index) => input(io, image, index));
        const { signal } = io;
        const layout = await assembleImages(io.cas, spec, inputs, {
          memo: new Memo(io.memoDirectory),
          signal,
          activity: (text, step) => io.activity(text, step),
        });
        io.root.openDirectory(inTree(OUTPUT), { create: true }).importTree(layout);
        return OUTPUT;
      },
    };
  },
};

function keyOf({ url, commit, isChanged, version, committed }: Checkout): KeyValue {
  return { url: url ?? null, commit, changed: isChanged, version: version ?? null, committed };
}

function divided(io: BuildIo, tree: Digest, selection: readonly DependencyFacts[], max: number): Division {
  const { elements, of } = originsOfStaged(io, tree, selection);
  const sizes = elements.map(() => 0);
  for (const { path, node } of new Tree(io.cas, tree).entries()) {
    const index = of.get(path);
    if (index !== undefined && node.kind === "file") sizes[index] = (sizes[index] ?? 0) + node.digest.size;
  }
  const weighed = elements.map((element, index) => ({ ...element, size: sizes[index] ?? 0 }));
  return divide(weighed, max, (path) => of.get(path));
}

/** The content of an image: its layer's elements with what they need at run time, one over the other. */
function stageLayer(io: BuildIo, selection: readonly DependencyFacts[], index: number): Digest {
  const path = `/layers/${index}`;
  io.stageDependencies({ selection, path });
  const content = io.root.openDirectory(inTree(path), { create: true }).digest();
  if (new Tree(io.cas, content).isEmpty()) {
    io.warn(`The layer of image ${index} has no files`, {
      detail: `It is made of: ${selection.map(({ kind, fullName }) => `${fullName} (${kind})`).join(", ")}.\nA stack has no content of its own: what it depends on at run time is what counts.`,
    });
  }
  return content;
}
