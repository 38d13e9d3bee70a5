/** Source kind `tar`: a downloaded archive, unpacked from one of its folders. */
import { glob } from "../base/glob.ts";
import { compareCodePoints } from "../base/json.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo, SourceKind } from "../project/source-kind.ts";
import { BasedArchive, basedArchiveSchema } from "./based-archive.ts";
import { type Selection, stageTar } from "./tar-archive.ts";
import { type StoredMember, UnpackError } from "./unpack.ts";

class TarSource extends BasedArchive {
  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await stageTar(tree, io, this.file(io), this.failure, (archive) => belowBase(archive, this.baseDirectory));
  }
}

/** The members below the first folder that matches a pattern, by paths relative to it. Devices are left out. */
export function belowBase(archive: readonly StoredMember[], pattern: string): Selection {
  const isWanted = ({ type }: StoredMember) => type !== "device";
  const base = pattern === "" ? "" : findBase(archive, pattern);
  if (base === "") return { selected: archive.filter(isWanted), all: archive };
  const prefix = base.endsWith("/") ? base : `${base}/`;
  const selected: StoredMember[] = [];
  const all = archive.map((member) => {
    const name = withoutDot(member.name);
    // Hard links name members of the archive; what a symbolic link says is the archive's own business.
    const linkName = member.type === "hardlink" ? withoutDot(member.linkName) : member.linkName;
    if (!name.startsWith(prefix)) return { ...member, name, linkName };
    const inside = member.type === "hardlink" && linkName.startsWith(prefix);
    const renamed = {
      ...member,
      name: name.slice(prefix.length),
      linkName: inside ? linkName.slice(prefix.length) : linkName,
    };
    if (isWanted(renamed)) selected.push(renamed);
    return renamed;
  });
  return { selected, all };
}

function withoutDot(name: string): string {
  return name.startsWith("./") ? name.slice(2) : name;
}

/** The first, by name, of the folders that match. */
function findBase(archive: readonly StoredMember[], pattern: string): string {
  const [first] = glob([...folders(archive)], pattern).sort(compareCodePoints);
  if (first === undefined) throw new UnpackError(`no folder in it matches the base-dir '${pattern}'`);
  return first;
}

/** The folders that an archive has members for, and those that its files are in; the top, if it is a member, is ''. */
function* folders(archive: readonly StoredMember[]): Generator<string> {
  const names = new Set(archive.map(({ name }) => name));
  const seen = new Set<string>();
  for (const member of archive) {
    const name = member.name.replace(/^[./]+/, "");
    if (member.type === "directory") {
      yield name;
      continue;
    }
    for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
      const folder = name.slice(0, slash);
      if (!seen.has(folder) && !names.has(folder)) yield folder;
      seen.add(folder);
    }
  }
}

export const tar: SourceKind = {
  kind: "tar",
  schema: basedArchiveSchema,
  configure: (config, context) => new TarSource(config, context),
};
