/** Stages a commit as `git checkout` writes it: from the objects where it writes them as they are, else by git itself. */
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import { importLocal } from "../cas/import.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { git } from "./git-command.ts";
import { withTemporary } from "./git-mirror.ts";
import { ObjectReader, parseCommit } from "./git-objects.ts";
import { type Entry, Trees, Worktree } from "./git-worktree.ts";

export interface Checkout {
  readonly commit: string;
  readonly files: Digest;
  /** What an index lists. */
  readonly entries: readonly Entry[];
}

export interface CheckoutOptions {
  /** The repository whose server has the files of git LFS; without it they stay pointers. */
  readonly lfsRemote?: string;
}

/** Attributes by which files differ from objects, whatever the user has configured. */
const CONVERSION = /eol=crlf|\bident\b|working-tree-encoding/;
const LFS_CONFIG: readonly string[] = [
  "-c",
  "core.autocrlf=false",
  "-c",
  "filter.lfs.process=git-lfs filter-process",
  "-c",
  "filter.lfs.smudge=git-lfs smudge -- %f",
  "-c",
  "filter.lfs.required=true",
];

/** @param revision what git knows a commit by */
export async function checkoutCommit(
  repository: string,
  revision: string,
  io: SourceIo,
  { lfsRemote }: CheckoutOptions = {},
): Promise<Checkout> {
  using reader = new ObjectReader(repository, io.signal);
  const { oid, bytes } = await reader.read(`${revision}^{commit}`);
  const { tree } = parseCommit(bytes);
  const trees = new Trees(reader);
  await trees.load([tree]);
  const worktree = new Worktree(io.cas, trees);
  const entries = worktree.entries(tree);
  const attributes = await readAttributes(reader, trees);
  if (CONVERSION.test(attributes)) {
    return { commit: oid, entries, files: await byGit(repository, oid, [], io) };
  }
  if (lfsRemote !== undefined && attributes.includes("filter=lfs")) {
    return {
      commit: oid,
      entries,
      files: await byGit(repository, oid, [...LFS_CONFIG, "-c", `remote.origin.url=${lfsRemote}`], io),
    };
  }
  return { commit: oid, entries, files: await worktree.store(tree, reader, io.signal) };
}

/** The text of all files that give files attributes. */
async function readAttributes(reader: ObjectReader, trees: Trees): Promise<string> {
  const name = Buffer.from(".gitattributes");
  const oids = new Set<string>();
  for (const entry of trees.all()) if (entry.name.equals(name)) oids.add(entry.oid);
  let text = "";
  await reader.each([...oids], (_, object) => {
    if (object?.type === "blob") text += `${object.bytes.toString("latin1")}\n`;
  });
  return text;
}

async function byGit(repository: string, commit: string, config: readonly string[], io: SourceIo): Promise<Digest> {
  const { signal, cas } = io;
  return withTemporary(io.mirrorDirectory, async (temporary) => {
    const directory = join(temporary, "files");
    fs.mkdirSync(directory);
    const env = { GIT_WORK_TREE: directory, GIT_INDEX_FILE: join(temporary, "index") };
    const failure = `Cannot check out ${commit}`;
    const network = config.length > 0;
    await git([...config, "read-tree", "--reset", "-u", commit], { repository, env, signal, network, failure });
    return importLocal(cas, directory);
  });
}

/** @throws BstError domain source, where git LFS is not installed */
export async function requireLfs(signal: AbortSignal): Promise<void> {
  try {
    await git(["lfs", "version"], { cwd: "/", network: true, signal, failure: "git LFS is not installed" });
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    throw new BstError("source", "The source uses git LFS, which is not installed", { cause: error });
  }
}
