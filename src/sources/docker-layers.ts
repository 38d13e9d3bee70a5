/** Puts the layers of an image on top of each other. */
import { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { readTar, stageMembers } from "./tar-archive.ts";
import type { StoredMember } from "./unpack.ts";

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

interface LayerMembers {
  readonly all: readonly StoredMember[];
  /** By name, without devices and what hides others. */
  readonly kept: Map<string, StoredMember>;
}

/** @throws BstError domain source */
export async function stageLayers(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "signal">,
  paths: readonly string[],
  what: string,
): Promise<void> {
  const layers: LayerMembers[] = [];
  for (const path of paths) {
    const all = await readTar(io, path, what, { absolute: true });
    const kept = new Map<string, StoredMember>();
    for (const member of all) {
      const folder = member.name.slice(0, member.name.lastIndexOf("/") + 1);
      const base = member.name.slice(folder.length);
      if (base === OPAQUE) hideFolder(layers, folder);
      else if (base.startsWith(WHITEOUT)) hide(layers, folder + base.slice(WHITEOUT.length));
      else if (member.type !== "device" && !member.name.startsWith("dev/")) kept.set(member.name, member);
    }
    layers.push({ all, kept });
  }
  for (const { all, kept } of layers) {
    const layer = new Tree(tree.cas);
    const selected = [...kept.values()].map((member) => ({ ...member, name: member.name.replace(/^\/+/, "") }));
    stageMembers(layer, () => ({ selected, all }), what);
    tree.importTree(layer);
  }
}

/** @param prefix of the names of what is in the folder */
function hideFolder(layers: readonly LayerMembers[], prefix: string): void {
  for (const { kept } of layers) {
    for (const name of kept.keys()) if (name.startsWith(prefix)) kept.delete(name);
  }
}

/** As BuildStream does: what is in a folder that is hidden stays. */
function hide(layers: readonly LayerMembers[], name: string): void {
  for (const { kept } of layers) kept.delete(name);
}
