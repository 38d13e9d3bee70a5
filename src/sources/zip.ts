/** Source kind `zip`: a downloaded zip archive, unpacked from one of its folders. */
import { glob } from "../base/glob.ts";
import { compareCodePoints } from "../base/json.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo, SourceKind } from "../project/source-kind.ts";
import { BasedArchive, basedArchiveSchema } from "./based-archive.ts";
import { UnpackError } from "./unpack.ts";
import { type PlacedMember, stageZip } from "./zip-archive.ts";
import type { ZipMember } from "./zip-reader.ts";

class ZipSource extends BasedArchive {
  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await stageZip(tree, io, this.file(io), this.failure, (members) => belowBase(members, this.baseDirectory));
  }
}

/** The members below the first folder that matches a pattern, by paths relative to it. */
function belowBase(members: readonly ZipMember[], pattern: string): PlacedMember[] {
  if (pattern === "") {
    // Of members with the same name the last one counts.
    const last = new Map(members.map((member) => [member.name, member]));
    return [...last.values()].map((member) => ({ member, path: member.name }));
  }
  const [base] = glob([...folders(members)], pattern).sort(compareCodePoints);
  if (base === undefined) throw new UnpackError(`no folder in it matches the base-dir '${pattern}'`);
  const prefix = base.endsWith("/") ? base : `${base}/`;
  return members
    .filter(({ name }) => name.startsWith(prefix) && name !== prefix)
    .map((member) => ({ member, path: member.name.slice(prefix.length) }));
}

/** The folders that an archive has members for, with a slash at their ends, and those that its files are in, without. */
function folders(members: readonly ZipMember[]): Set<string> {
  const found = new Set<string>();
  for (const { name } of members) {
    if (name.endsWith("/")) {
      if (name !== "./") found.add(name);
      continue;
    }
    for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
      const folder = name.slice(0, slash);
      if (folder !== ".") found.add(folder);
    }
  }
  return found;
}

export const zip: SourceKind = {
  kind: "zip",
  isPlugin: true,
  schema: basedArchiveSchema,
  configure: (config, context) => new ZipSource(config, context),
};
