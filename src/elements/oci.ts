/** Kind `oci`: images of what it depends on, each a layer on top of its parent, as one OCI layout. */
import { BstError } from "../base/errors.ts";
import { inTree } from "../base/paths.ts";
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import { assembleImages, type ImageInput, LAYER_VERSION } from "../oci/assemble.ts";
import { DIVISION_VERSION } from "../oci/division.ts";
import type { OutwardLink } from "../oci/outward-links.ts";
import { type ImageSpec, ociSchema, readOciSpec } from "../oci/schema.ts";
import { withCommit } from "../oci/vcs.ts";
import type { BuildIo, ConfiguredDependency, DependencyFacts, ElementKind } from "../project/element-kind.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";
import { assemblyOptions } from "./assembly.ts";
import { basesBehind } from "./bases.ts";
import { makerOf } from "./build-oci.ts";
import { commitKey, warnOfNoCommit } from "./commit.ts";
import { declarationError } from "./declarers.ts";
import { divided } from "./divided.ts";
import { warnOfImages, warnOfLinks } from "./image-warnings.ts";
import { declaredByStaged } from "./origins.ts";

const OUTPUT = "/output";

export const oci: ElementKind = {
  kind: "oci",
  schema: ociSchema,
  forbids: ["sources"],
  collects: true,
  configure(config, facts) {
    const asWritten = readOciSpec(config);
    const checkout = asWritten.describesCommit ? facts.checkout() : undefined;
    const spec = checkout === undefined ? asWritten : withCommit(asWritten, checkout);
    let declared: readonly ConfiguredDependency[] = [];
    const find = (name: string): DependencyFacts => {
      const found = declared.find(({ path, element }) => path === name || element.name === name);
      if (found !== undefined) return found.element;
      throw new BstError("element", `${placeOf(config, name) ?? facts.fullName}: '${name}' is no build dependency`, {
        reason: "oci-missing-dependency",
        detail: "Parents and layers of images must be listed under 'build-depends'.",
      });
    };
    const content = (io: BuildIo, image: ImageSpec, selection: readonly DependencyFacts[], index: number) => {
      const tree = stageLayer(io, selection, index);
      const elements = io.dependencies(selection);
      const staged = { tree, staged: elements };
      return {
        tree,
        declared: declaredByStaged(io, { elements }),
        divide: divided(io, facts.projectName, image, staged),
        onOutwardLinks: (links: readonly OutwardLink[]) => warnOfLinks(io, links, staged),
        declarationError: declarationError(io, elements),
      };
    };
    const bases = ({ maxLayers, layer, add }: ImageSpec) =>
      maxLayers === undefined ? [] : [...basesBehind((layer ?? add ?? []).map(find))].sort();
    const input = (io: BuildIo, image: ImageSpec, index: number): ImageInput => {
      const parent = image.parent && find(image.parent.element);
      const selected = image.layer ?? image.add;
      return {
        ...(parent && {
          parent: {
            layout: io.artifactTree(parent),
            name: parent.fullName,
            maker: makerOf(parent),
            place: (parentAt(config, index, "image") ?? parentAt(config, index, "element"))?.provenance,
          },
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
      uniqueKey: () => ({
        ...config.toPlain(),
        version: LAYER_VERSION,
        ...(checkout !== undefined && { checkout: commitKey(checkout) }),
        ...(spec.images.some(({ maxLayers }) => maxLayers !== undefined) && {
          division: { version: DIVISION_VERSION, bases: spec.images.map(bases) },
        }),
      }),
      async assemble(io) {
        if (spec.describesCommit) warnOfNoCommit(io, checkout);
        warnOfImages(io, spec.images);
        const inputs = spec.images.map((image, index) => input(io, image, index));
        const layout = await assembleImages(io.cas, spec, inputs, assemblyOptions(io));
        io.root.openDirectory(inTree(OUTPUT), { create: true }).importTree(layout);
        return OUTPUT;
      },
    };
  },
};

function parentAt(config: MappingNode, index: number, key: "element" | "image"): ScalarNode | undefined {
  return config.sequence("images")?.mappings()[index]?.mapping("parent")?.scalar(key);
}

/** Where a parent or a part of a layer is named. */
function placeOf(config: MappingNode, name: string): string | undefined {
  const images = config.sequence("images")?.mappings() ?? [];
  const words = images.flatMap((image, index) => [
    parentAt(config, index, "element"),
    ...["layer", "add"].flatMap((key) => image.sequence(key)?.scalars() ?? []),
  ]);
  return words.find((word) => word?.value === name)?.provenance;
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
