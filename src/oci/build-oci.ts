/** What the `build-oci` of freedesktop-sdk reads, in the words of the element kind `oci`. */
import { type MappingNode, type Node, ScalarNode, SequenceNode } from "../yaml/node.ts";

const PARENT = new Set(["image", "index"]);
/** Of a container's configuration, in the form that images have: dictionaries whose values say nothing. */
const SETS = ["ExposedPorts", "Volumes"];

/**
 * The same as the configuration of an element, in which paths take the place of elements.
 * @param epoch for images that don't name one, in seconds since 1970
 * @throws LoadError invalid-data, for what only one of them has
 */
export function fromBuildOci(input: MappingNode, epoch: string | undefined): MappingNode {
  const commit = input.get("vcs-annotations");
  if (commit !== undefined) {
    throw commit.error("'vcs-annotations' belongs into the element's 'config', as the commit is part of its key");
  }
  const images = input.required("images", input.sequence("images"));
  return input.with("images", images.withItems(images.mappings().map((image) => fromImage(image, epoch))));
}

function fromImage(image: MappingNode, epoch: string | undefined): MappingNode {
  const changed = new Map<string, Node>(image.entries);
  const parent = image.mapping("parent");
  if (parent !== undefined) {
    parent.validateKeys(PARENT);
    const index = parent.scalar("index");
    if (index !== undefined && index.asInt("index") < 0) throw index.error("Value of 'index' can't be negative");
    const path = parent.required("image", parent.scalar("image"));
    const renamed = parent.withEntries(new Map([["element", path]]));
    changed.set("parent", index === undefined ? renamed : renamed.with("image", index));
  }
  for (const key of ["layer", "add"]) {
    const folder = image.scalar(key);
    if (folder !== undefined) changed.set(key, listOf(folder, [folder]));
  }
  const config = image.mapping("config");
  if (config !== undefined) changed.set("config", fromConfig(config));
  if (epoch !== undefined && !image.has("source-date-epoch")) changed.set("source-date-epoch", new ScalarNode(epoch));
  return image.withEntries(changed);
}

function fromConfig(config: MappingNode): MappingNode {
  return SETS.reduce((read, key) => {
    const set = read.get(key);
    if (set?.type !== "mapping") return read;
    const names = set.keys().map((name) => new ScalarNode(name, set.file, set.line, set.column));
    return read.with(key, listOf(set, names));
  }, config);
}

/** A list in the place of a node. */
function listOf({ file, line, column }: Node, items: readonly Node[]): SequenceNode {
  return new SequenceNode(items, file, line, column);
}
