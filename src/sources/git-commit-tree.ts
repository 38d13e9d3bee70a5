/** The files of one commit of a mirror. */
import type { Digest } from "../cas/digest.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { missing, ObjectReader, parseCommit } from "./git-objects.ts";
import { Trees, Worktree } from "./git-worktree.ts";

/** @returns the tree, stored @throws BstError domain source, where the mirror does not have all of it */
export async function commitTree(
  repository: string,
  commit: string,
  { cas, signal }: Pick<SourceIo, "cas" | "signal">,
): Promise<Digest> {
  using reader = new ObjectReader(repository, signal);
  const { type, bytes } = await reader.read(commit);
  if (type !== "commit") throw missing(commit);
  const { tree } = parseCommit(bytes);
  const trees = new Trees(reader);
  await trees.load([tree]);
  return await new Worktree(cas, trees, { skipForbidden: true }).store(tree, reader, signal);
}
