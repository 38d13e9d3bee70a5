/** Unpacks a zip archive, or a part of it, into a tree. */
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { Cas } from "../cas/store.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { type StoredMember, UnpackError, unpack } from "./unpack.ts";
import { ZipError, type ZipMember, ZipReader } from "./zip-reader.ts";

/** A member, and where it goes. */
export interface PlacedMember {
  readonly member: ZipMember;
  /** Folders end with a slash. */
  readonly path: string;
}

/**
 * Adds the members that `place` picks. Neither symbolic links nor rights are read from zip archives.
 * @param what how messages of errors begin
 * @throws BstError domain source
 */
export async function stageZip(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "signal">,
  path: string,
  what: string,
  place: (members: readonly ZipMember[]) => readonly PlacedMember[],
): Promise<void> {
  try {
    using archive = new ZipReader(path);
    const stored = await storeMembers(io.cas, archive, place(archive.members), io.signal);
    tree.importTree(unpack(io.cas, stored, stored));
  } catch (error) {
    const ours = error instanceof ZipError || error instanceof UnpackError;
    if (!ours && systemErrorCode(error) === undefined) throw error;
    throw new BstError("source", `${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function storeMembers(
  cas: Cas,
  archive: ZipReader,
  placed: readonly PlacedMember[],
  signal: AbortSignal,
): Promise<StoredMember[]> {
  const stored: StoredMember[] = [];
  for (const { member, path } of placed) {
    signal.throwIfAborted();
    if (member.name.startsWith("/")) throw new UnpackError(`'${member.name}' has an absolute path`);
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw new UnpackError(`'${member.name}' leads to a folder above`);
    if (parts.length === 0) continue;
    const common = { name: parts.join("/"), mode: 0o644, linkName: "" };
    if (path.endsWith("/")) stored.push({ ...common, type: "directory", digest: undefined });
    else stored.push({ ...common, type: "file", digest: await archive.store(cas, member, signal) });
  }
  return stored;
}
