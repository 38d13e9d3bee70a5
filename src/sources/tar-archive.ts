/** Unpacks a tar archive, or a part of it, into a tree. */
import { DecompressError, decompressed } from "../base/decompress.ts";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { TarError } from "../base/tar-fields.ts";
import { TarReader } from "../base/tar-reader.ts";
import type { Cas } from "../cas/store.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { type StoredMember, UnpackError, unpack } from "./unpack.ts";

/** Larger files are stored as they stream by. */
const IN_MEMORY = 1 << 22;

export interface Selection {
  readonly selected: readonly StoredMember[];
  /** The whole archive, with names and links that agree with the selection's. */
  readonly all: readonly StoredMember[];
}

/**
 * Adds what `select` picks of an archive, compressed or not.
 * @param what how messages of errors begin
 * @throws BstError domain source
 */
export async function stageTar(
  tree: Tree,
  io: Pick<SourceIo, "cas" | "signal">,
  path: string,
  what: string,
  select: (archive: readonly StoredMember[]) => Selection,
): Promise<void> {
  try {
    const { selected, all } = select(await storeMembers(io.cas, path, io.signal));
    tree.importTree(unpack(io.cas, selected, all));
  } catch (error) {
    const ours = error instanceof TarError || error instanceof UnpackError || error instanceof DecompressError;
    if (!ours && systemErrorCode(error) === undefined) throw error;
    throw new BstError("source", `${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** All members in the archive's order, the content of files put into the store. */
async function storeMembers(cas: Cas, path: string, signal: AbortSignal): Promise<StoredMember[]> {
  const members: StoredMember[] = [];
  const bytes = decompressed(path, signal);
  try {
    const reader = new TarReader(bytes);
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      signal.throwIfAborted();
      const { size, ...rest } = member;
      if (rest.name.startsWith("/")) throw new UnpackError(`'${rest.name}' has an absolute path`);
      if (member.type !== "file") members.push({ ...rest, digest: undefined });
      else if (size <= IN_MEMORY) members.push({ ...rest, digest: cas.write(await reader.bytes()) });
      else members.push({ ...rest, digest: await cas.importStream(reader.content(), { signal }) });
    }
  } finally {
    await bytes.return(undefined);
  }
  return members;
}
