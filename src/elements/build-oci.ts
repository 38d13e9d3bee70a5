/** The command `build-oci` of elements that assemble images by scripts: reads a description, and writes an OCI layout. */
import { posix } from "node:path";
import { inTree } from "../base/paths.ts";
import type { CommandCall, CommandService } from "../cas/command-service.ts";
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import { assembleImages, type ImageInput, type ParentInput } from "../oci/assemble.ts";
import { fromBuildOci } from "../oci/build-oci.ts";
import { CAPABILITY_XATTR } from "../oci/capabilities.ts";
import { MAKERS, type Maker } from "../oci/growth.ts";
import { type ImageSpec, ociSchema, readOciSpec } from "../oci/schema.ts";
import { withCommit } from "../oci/vcs.ts";
import type { Checkout } from "../project/checkout.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { validate } from "../project/validate.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import { assemblyOptions } from "./assembly.ts";
import { declarationError } from "./declarers.ts";
import { divided } from "./divided.ts";
import { fakeXattrs } from "./fakecap.ts";
import { warnOfImages, warnOfLinks, warnOfSpecialFiles } from "./image-warnings.ts";
import type { Layout } from "./layout.ts";
import { declaredByStaged } from "./origins.ts";

const NAME = "build-oci";
/** Folders of the sandbox that are not among its files. */
const UNSEEN = ["dev", "proc", "tmp"];
const INPUT = { path: NAME, shortName: NAME, displayName: "input" };

/** The script that the command is served to. */
export interface ServedScript {
  /** Name of its project. */
  readonly project: string;
  /** What is staged where: of what is in a layer, elements declare owners and modes. */
  readonly layout: Layout;
  /** The commit that all images shall tell of. */
  readonly checkout: Checkout | undefined;
}

export function buildOci(io: BuildIo, script: ServedScript): CommandService {
  const { checkout } = script;
  return {
    name: NAME,
    async run(call) {
      const config = fromBuildOci(parseYaml(call.input, INPUT), call.environment["SOURCE_DATE_EPOCH"]);
      validate(config, ociSchema);
      const asWritten = readOciSpec(config);
      const spec = checkout === undefined || asWritten.mode === "docker" ? asWritten : withCommit(asWritten, checkout);
      warnOfImages(io, spec.images);
      const nodes = config.sequence("images")?.mappings() ?? [];
      return assembleImages(
        io.cas,
        spec,
        spec.images.map((image, index) => new Call(io, script, call).input(image, nodes[index], index)),
        assemblyOptions(io, AbortSignal.any([io.signal, call.signal])),
      );
    },
  };
}

/** Who made the image that is in an element's artifact. */
export function makerOf({ kind }: Pick<DependencyFacts, "kind">): Maker {
  return kind === "oci" ? "elements" : kind === "script" ? "scripts" : "others";
}

class Call {
  readonly #io: BuildIo;
  readonly #script: ServedScript;
  readonly #call: CommandCall;

  constructor(io: BuildIo, script: ServedScript, call: CommandCall) {
    this.#io = io;
    this.#script = script;
    this.#call = call;
  }

  /** @param node of its description */
  input(image: ImageSpec, node: MappingNode | undefined, index: number): ImageInput {
    const described = node?.mapping("parent");
    const parent = described?.scalar("element");
    const [layer] = (node?.sequence("layer") ?? node?.sequence("add"))?.scalars() ?? [];
    const content = layer && this.#content(image, layer);
    if (content !== undefined && new Tree(this.#io.cas, content.tree).isEmpty()) {
      this.#io.warn(`The layer of image ${index} has no files`, { detail: `There are none in ${layer?.value}.` });
    }
    return {
      ...(parent && { parent: this.#parent(parent, described?.scalar("image") ?? parent) }),
      ...content,
    };
  }

  /** @param index which of its images, or where it is named */
  #parent(node: ScalarNode, index: ScalarNode): ParentInput {
    const { tree, path } = this.#folder(node);
    const elements = this.#script.layout.elementsAt(path);
    return {
      layout: tree,
      name: node.value,
      maker: MAKERS.findLast((maker) => elements.some((each) => makerOf(each) === maker)),
      place: index.provenance,
    };
  }

  /** With what elements declare for files, and over that what commands gave them. */
  #content(image: ImageSpec, node: ScalarNode): ImageInput & { readonly tree: Digest } {
    const { tree, path } = this.#folder(node);
    const { layout, project } = this.#script;
    const staged = layout.elementsAt(path);
    if (staged.length === 0 && image.maxLayers !== undefined) {
      throw node.error(`No element is staged at '/${path}', so that there is nothing to divide its files by`, {
        detail: "Layers are divided by the elements whose 'location' is the folder of the layer.",
      });
    }
    const elements = this.#io.dependencies(staged);
    const inside = layout.below(path).map(({ at, elements }) => ({ at, elements: this.#io.dependencies(elements) }));
    const declared = new Map(declaredByStaged(this.#io, { elements }, ...inside));
    const prefix = path === "" ? "" : `${path}/`;
    for (const [inside, mode] of below(prefix, this.#call.modes)) {
      declared.set(inside, { ...declared.get(inside), mode });
    }
    const special = this.#call.special.filter((each) => each.startsWith(prefix));
    if (special.length > 0) warnOfSpecialFiles(this.#io, special);
    if (this.#call.xattrs === undefined) {
      this.#io.warn("Extended attributes that commands give files are not seen on this machine", {
        detail: "The package @napi-rs/xattr is missing, which reads them. Elsewhere, the image may get such.",
      });
    }
    for (const [inside, xattrs] of below(prefix, this.#call.xattrs ?? new Map())) {
      const its = declared.get(inside);
      declared.set(inside, { ...its, xattrs: { ...its?.xattrs, ...inHex(xattrs) } });
    }
    for (const [inside, given] of fakeXattrs(this.#io.cas, this.#call, path)) {
      const { capabilities, xattrs, ...rest } = declared.get(inside) ?? {};
      const stays = capabilities !== undefined && !(CAPABILITY_XATTR in given);
      declared.set(inside, { ...rest, ...(stays && { capabilities }), xattrs: { ...xattrs, ...given } });
    }
    const content = { tree, staged: elements };
    return {
      tree,
      declared,
      divide: divided(this.#io, project, image, content),
      onOutwardLinks: (links) => warnOfLinks(this.#io, links, content),
      declarationError: declarationError(this.#io, elements),
    };
  }

  /** What is in a folder of the sandbox, and its path from the root. */
  #folder(node: ScalarNode): { tree: Digest; path: string } {
    const path = inTree(posix.resolve(this.#call.directory, node.value));
    if (path === "") return { tree: this.#call.root, path };
    const files = new Tree(this.#io.cas, this.#call.root);
    const [top = ""] = path.split("/");
    if (UNSEEN.includes(top)) throw node.error(`What is in /${top} is none of the sandbox's files: '/${path}'`);
    const found = files.lookup(path);
    if (found?.kind === "directory") return { tree: found.digest, path };
    const isElsewhere = files.exists(path, { followSymlinks: true });
    throw node.error(
      isElsewhere ? `'/${path}' is no folder: it may be a symlink to one` : `There is no folder '/${path}'`,
    );
  }
}

/** What begins with a prefix, without that. */
function* below<T>(prefix: string, all: ReadonlyMap<string, T>): Generator<readonly [path: string, value: T]> {
  for (const [path, value] of all) {
    if (path.startsWith(prefix) && path !== prefix) yield [path.slice(prefix.length), value];
  }
}

/** Values as elements declare them. */
function inHex(xattrs: Readonly<Record<string, Buffer>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, `0x${value.toString("hex")}`]));
}
