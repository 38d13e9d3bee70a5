/** Attributes of files that a preloaded library keeps aside, as sandboxes may not set them: freedesktop-sdk's fakecap. */
import { posix } from "node:path";
import { inTree } from "../base/paths.ts";
import type { CommandCall } from "../cas/command-service.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";

type Xattrs = Readonly<Record<string, string>>;

/**
 * What the folder that `FAKECAP_DB` names says of files below another one, by path from there: it has a file for each
 * attribute, called by device, inode and attribute, with the value. Values are as elements declare them.
 * @param folder path from the root
 */
export function fakeXattrs(cas: Cas, call: CommandCall, folder: string): Map<string, Xattrs> {
  const found = new Map<string, Xattrs>();
  const database = call.environment["FAKECAP_DB"];
  const files = database === undefined ? undefined : inTree(posix.resolve(call.directory, database));
  const node = files === undefined ? undefined : new Tree(cas, call.root).lookup(files);
  if (node?.kind !== "directory") return found;
  const kept = new Map<string, Record<string, string>>();
  for (const { name, digest } of cas.readDirectory(node.digest).files) {
    const [, inode = "", attribute = ""] = /^(\d+-\d+-\d+)-(\w+\..+)$/.exec(name) ?? [];
    if (attribute !== "") kept.set(inode, { ...kept.get(inode), [attribute]: `0x${cas.read(digest).toString("hex")}` });
  }
  if (kept.size === 0) return found;
  for (const [path, inode] of call.inodes(folder)) {
    const xattrs = kept.get(inode);
    if (xattrs !== undefined) found.set(path, xattrs);
  }
  return found;
}
