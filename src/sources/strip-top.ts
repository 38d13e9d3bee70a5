/** Unpacks archives of package indexes, which have everything in one folder: that folder is left out. */
import type { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { type Selection, stageTar } from "./tar-archive.ts";
import { type StoredMember, UnpackError } from "./unpack.ts";
import { stageZip } from "./zip-archive.ts";

/**
 * @param name of the archive: one that ends in `.zip` is a zip archive, all others are tar archives
 * @throws BstError domain source
 */
export async function stageWithoutTop(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "signal">,
  path: string,
  name: string,
  context: SourceContext,
): Promise<void> {
  const what = `${context.provenance}: Cannot unpack ${name}`;
  if (!name.endsWith(".zip")) {
    await stageTarWithoutTop(tree, io, path, what);
    return;
  }
  await stageZip(tree, io, path, what, (members) =>
    members.flatMap((member) => {
      const below = stripped(member.name);
      return below === undefined ? [] : [{ member, path: below }];
    }),
  );
}

/**
 * @param what how messages of errors begin
 * @param isWanted whether a member is unpacked, by its name without the folder; default all
 * @throws BstError domain source
 */
export async function stageTarWithoutTop(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "signal">,
  path: string,
  what: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<void> {
  await stageTar(tree, io, path, what, (archive) => withoutTop(archive, isWanted));
}

function withoutTop(archive: readonly StoredMember[], isWanted: (name: string) => boolean): Selection {
  const selected: StoredMember[] = [];
  const all = archive.map((member) => {
    const name = stripped(member.name);
    if (name === undefined) return member;
    if (name.startsWith("/")) throw new UnpackError(`'${member.name}' would have an absolute path`);
    // Hard links name members of the archive; what a symbolic link says is the archive's own business.
    const isHard = member.type === "hardlink";
    const renamed = { ...member, name, linkName: isHard ? (stripped(member.linkName) ?? "") : member.linkName };
    if (member.type !== "device" && isWanted(name)) selected.push(renamed);
    return renamed;
  });
  return { selected, all };
}

function stripped(name: string): string | undefined {
  const slash = name.indexOf("/");
  return slash < 0 ? undefined : name.slice(slash + 1);
}
