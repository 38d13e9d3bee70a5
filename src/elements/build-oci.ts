/** The command `build-oci` of elements that assemble images by scripts: reads a description, and writes an OCI layout. */
import { posix } from "node:path";
import { inTree } from "../base/paths.ts";
import type { CommandCall, CommandService } from "../cas/command-service.ts";
import type { Digest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import { assembleImages, type ImageInput, type ParentInput } from "../oci/assemble.ts";
import { fromBuildOci } from "../oci/build-oci.ts";
import { CAPABILITY_XATTR } from "../oci/capabilities.ts";
import type { Declarations } from "../oci/declared.ts";
import { Memo } from "../oci/memo.ts";
import { ociSchema, readOciSpec } from "../oci/schema.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { validate } from "../project/validate.ts";
import type { MappingNode, ScalarNode } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import { fakeXattrs } from "./fakecap.ts";
import type { Layout } from "./layout.ts";
import { declaredByStaged } from "./origins.ts";

const NAME = "build-oci";
const INPUT = { path: NAME, shortName: NAME, displayName: "input" };

/** @param layout what is staged where: elements declare owners and modes of what is in a layer */
export function buildOci(io: BuildIo, layout: Layout): CommandService {
  return {
    name: NAME,
    async run(call) {
      const config = fromBuildOci(parseYaml(call.input, INPUT), call.environment["SOURCE_DATE_EPOCH"]);
      validate(config, ociSchema);
      const spec = readOciSpec(config);
      const nodes = config.sequence("images")?.mappings() ?? [];
      return assembleImages(
        io.cas,
        spec,
        nodes.map((image, index) => new Call(io, layout, call).input(image, index)),
        {
          memo: new Memo(io.memoDirectory),
          signal: AbortSignal.any([io.signal, call.signal]),
          activity: (text, step) => io.activity(text, step),
        },
      );
    },
  };
}

/** Whether an element is of a kind that makes images of what elements made. */
export function makesImages({ kind }: DependencyFacts): boolean {
  return kind === "oci" || kind === "script";
}

class Call {
  readonly #io: BuildIo;
  readonly #layout: Layout;
  readonly #call: CommandCall;

  constructor(io: BuildIo, layout: Layout, call: CommandCall) {
    this.#io = io;
    this.#layout = layout;
    this.#call = call;
  }

  input(image: MappingNode, index: number): ImageInput {
    const parent = image.mapping("parent")?.scalar("element");
    const [layer] = (image.sequence("layer") ?? image.sequence("add"))?.scalars() ?? [];
    const content = layer && this.#content(layer);
    if (content !== undefined && new Tree(this.#io.cas, content.tree).isEmpty()) {
      this.#io.warn(`The layer of image ${index} has no files`, { detail: `There are none in ${layer?.value}.` });
    }
    return {
      ...(parent && { parent: this.#parent(parent) }),
      ...content,
    };
  }

  #parent(node: ScalarNode): ParentInput {
    const { tree, path } = this.#folder(node);
    const elements = this.#layout.elementsAt(path);
    return { layout: tree, name: node.value, isMade: elements.length > 0 && elements.every(makesImages) };
  }

  /** What elements declare for files, and over that what commands gave them. */
  #content(node: ScalarNode): { tree: Digest; declared: Declarations } {
    const { tree, path } = this.#folder(node);
    const declared = new Map(declaredByStaged(this.#io, this.#io.dependencies(this.#layout.elementsAt(path))));
    const prefix = path === "" ? "" : `${path}/`;
    for (const [changed, mode] of this.#call.modes) {
      const inside = changed.startsWith(prefix) ? changed.slice(prefix.length) : "";
      if (inside !== "") declared.set(inside, { ...declared.get(inside), mode });
    }
    for (const [inside, given] of fakeXattrs(this.#io.cas, this.#call, path)) {
      const { capabilities, xattrs, ...rest } = declared.get(inside) ?? {};
      const stays = capabilities !== undefined && !(CAPABILITY_XATTR in given);
      declared.set(inside, { ...rest, ...(stays && { capabilities }), xattrs: { ...xattrs, ...given } });
    }
    return { tree, declared };
  }

  /** What is in a folder of the sandbox, and its path from the root. */
  #folder(node: ScalarNode): { tree: Digest; path: string } {
    const path = inTree(posix.resolve(this.#call.directory, node.value));
    if (path === "") return { tree: this.#call.root, path };
    const files = new Tree(this.#io.cas, this.#call.root);
    const found = files.lookup(path);
    if (found?.kind === "directory") return { tree: found.digest, path };
    const isElsewhere = files.exists(path, { followSymlinks: true });
    throw node.error(
      isElsewhere ? `'/${path}' is no folder: it may be a symlink to one` : `There is no folder '/${path}'`,
      { detail: "Folders are seen that are part of the sandbox's files, which those in /dev, /proc and /tmp are not." },
    );
  }
}
