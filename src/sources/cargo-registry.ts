/** Unpacks a crate of a registry into a vendor folder. */
import { BstError } from "../base/errors.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import type { RegistryCrate } from "./cargo-crates.ts";
import { readTar, stageMembers } from "./tar-archive.ts";

/** @throws BstError domain source */
export async function stageRegistryCrate(
  vendor: Tree,
  crate: RegistryCrate,
  path: string,
  io: Pick<SourceIo, "cas" | "signal">,
  what: string,
): Promise<void> {
  const failure = `${what} cannot be unpacked`;
  const all = await readTar(io, path, failure);
  stageMembers(vendor, () => ({ selected: all.filter(({ type }) => type !== "device"), all }), failure);
  const [folder = ""] = all[0]?.name.split("/") ?? [];
  if (all.length === 0) return;
  if (folder === "" || folder === "." || folder === ".." || vendor.lookup(folder)?.kind !== "directory") {
    throw new BstError("source", `${failure}: it has no folder of its own`);
  }
  writeChecksum(vendor.openDirectory(folder), `{"package": ${JSON.stringify(crate.sha ?? null)}, "files": {}}`);
}

/** Cargo wants the file, and checks nothing that it does not name. */
export function writeChecksum(directory: Tree, text: string): void {
  directory.addFile(".cargo-checksum.json", directory.cas.write(text), { executable: false });
}
