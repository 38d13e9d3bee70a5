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
  const archive = await readTar(io, path, what);
  stageMembers(tree, () => select(archive), what);
}

/**
 * Adds the members of an archive that are picked.
 * @throws BstError domain source
 */
export function stageMembers(tree: Tree, select: () => Selection, what: string): void {
  try {
    const { selected, all } = select();
    tree.importTree(unpack(tree.cas, selected, all));
  } catch (error) {
    throw explained(error, what);
  }
}

/**
 * All members of an archive, their content stored. Absolute paths are refused unless they are allowed.
 * @throws BstError domain source
 */
export async function readTar(
  io: Pick<SourceIo, "cas" | "signal">,
  path: string,
  what: string,
  options: { readonly absolute?: boolean } = {},
): Promise<StoredMember[]> {
  try {
    return await storeMembers(io.cas, path, io.signal, options.absolute ?? false);
  } catch (error) {
    throw explained(error, what);
  }
}

/** The user's error, where it is the archive's fault. */
function explained(error: unknown, what: string): unknown {
  const ours = error instanceof TarError || error instanceof UnpackError || error instanceof DecompressError;
  if (!ours && systemErrorCode(error) === undefined) return error;
  return new BstError("source", `${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
}

/** All members in the archive's order, the content of files put into the store. */
async function storeMembers(cas: Cas, path: string, signal: AbortSignal, absolute: boolean): Promise<StoredMember[]> {
  const members: StoredMember[] = [];
  const bytes = decompressed(path, signal);
  try {
    const reader = new TarReader(bytes);
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      signal.throwIfAborted();
      const { size, ...rest } = member;
      if (rest.name.startsWith("/") && !absolute) throw new UnpackError(`'${rest.name}' has an absolute path`);
      if (member.type !== "file") members.push({ ...rest, digest: undefined });
      else if (size <= IN_MEMORY) members.push({ ...rest, digest: cas.write(await reader.bytes()) });
      else members.push({ ...rest, digest: await cas.importStream(reader.content(), { signal }) });
    }
  } finally {
    await bytes.return(undefined);
  }
  return members;
}
