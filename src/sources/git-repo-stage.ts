/** Stages a `git_repo` source: the files of a commit, and a repository with as much history as describes it. */
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import { importLocal } from "../cas/import.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { git } from "./git-command.ts";
import { writeIndex } from "./git-index.ts";
import { readRef, withTemporary } from "./git-mirror.ts";
import { type Commit, FILE_TYPE, missing, ObjectReader, parseCommit, SYMLINK, tagTarget } from "./git-objects.ts";
import type { DescribedRef } from "./git-repo-mirror.ts";
import { Trees, Worktree } from "./git-worktree.ts";

const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
`;

/** @param repository the mirror, which has what the ref needs */
export async function stageGitRepo(repository: string, ref: DescribedRef, io: SourceIo): Promise<Tree> {
  using reader = new ObjectReader(repository, io.signal);
  const tag = ref.tag === undefined ? undefined : await readTag(reader, repository, ref.tag);
  const distance = tag === undefined ? 0 : Number(ref.offset);
  // Refs may name an annotated tag in the place of its commit, as older versions of the plugin tracked them.
  const named = await peeled(reader, ref.commit);
  const commits = await history(reader, named.commit, tag?.commit ?? named.commit, distance);
  const tip = commits.get(named.commit);
  if (tip === undefined) throw missing(named.commit);

  const trees = new Trees(reader);
  await trees.load([...commits.values()].map((commit) => commit.tree));
  const worktree = new Worktree(io.cas, trees, { skipForbidden: true });
  const tree = new Tree(io.cas, await worktree.store(tip.tree, reader, io.signal));

  // `git log` and `git describe --dirty` work with commits and trees; files are only there as they are staged.
  const objects = new Set([...commits.keys(), ...trees.names(), ...named.tags, ...(tag?.tags ?? [])]);
  for (const entry of trees.all()) if ((entry.mode & FILE_TYPE) === SYMLINK) objects.add(entry.oid);
  const directory = tree.makeDirectory(".git");
  directory.importTree(await looseObjects(repository, [...objects], io));
  for (const path of ["branches", "hooks", "objects/info", "objects/pack"]) directory.makeDirectory(path);
  const shallow = [...commits].filter(([, { parents }]) => !parents.every((parent) => commits.has(parent)));
  writeFiles(directory, io.cas, {
    HEAD: "ref: refs/heads/master\n",
    config: CONFIG,
    description: "Unnamed repository",
    "info/exclude": "",
    index: writeIndex(worktree.entries(tip.tree)),
    "refs/heads/master": `${ref.commit}\n`,
    "refs/tags/": undefined,
    ...(tag !== undefined && { [`refs/tags/${ref.tag}`]: `${tag.oid}\n` }),
    ...(shallow.length > 0 && {
      shallow: shallow
        .map(([oid]) => `${oid}\n`)
        .sort()
        .join(""),
    }),
  });
  return tree;
}

interface Peeled {
  /** Annotated tags on the way to the commit. */
  readonly tags: readonly string[];
  readonly commit: string;
}

async function readTag(reader: ObjectReader, repository: string, name: string): Promise<Peeled & { oid: string }> {
  const oid = readRef(repository, `refs/tags/${name}`);
  if (oid === undefined) throw new BstError("source", `The tag '${name}' is missing in the repository`);
  return { oid, ...(await peeled(reader, oid)) };
}

/** What an annotated tag, or a tag of one, stands for; a commit stands for itself. */
async function peeled(reader: ObjectReader, oid: string): Promise<Peeled> {
  const tags: string[] = [];
  for (let target = oid; ; ) {
    const { type, bytes } = await reader.read(target);
    if (type === "commit") return { tags, commit: target };
    if (type !== "tag") throw new BstError("source", `The object ${oid} is no commit and no tag of one`);
    tags.push(target);
    target = tagTarget(bytes);
  }
}

/**
 * The commits between a base and a tip, both included: those that a clone of the tip has which is just deep enough to
 * hold the base, without what is older than it. It does not depend on what else the mirror holds.
 */
async function history(
  reader: ObjectReader,
  tip: string,
  base: string,
  distance: number,
): Promise<ReadonlyMap<string, Commit>> {
  const found = new Map<string, Commit>();
  let level = [tip];
  for (let depth = 0; level.length > 0 && (depth <= distance || depth === 0); depth++) {
    const next = new Set<string>();
    await reader.each(level, (oid, object) => {
      // The mirror need not have what is beyond its depth.
      if (object?.type !== "commit") return;
      const commit = parseCommit(object.bytes);
      found.set(oid, commit);
      for (const parent of commit.parents) if (!found.has(parent)) next.add(parent);
    });
    if (tip === base) break;
    level = [...next];
  }
  const older = [...(found.get(base)?.parents ?? [])];
  for (let oid = older.pop(); oid !== undefined; oid = older.pop()) {
    const commit = found.get(oid);
    if (commit === undefined) continue;
    found.delete(oid);
    older.push(...commit.parents);
  }
  return found;
}

/** The folder of a repository that has these objects only, each in a file of its own. */
async function looseObjects(repository: string, oids: readonly string[], io: SourceIo): Promise<Digest> {
  const { cas, signal } = io;
  const failure = "Cannot copy the history";
  const input = oids.join("\n");
  const args = ["pack-objects", "--quiet", "--stdout", "--window=0", "--no-reuse-delta"];
  const pack = await git(args, { repository, signal, input, failure });
  return withTemporary(io.mirrorDirectory, async (temporary) => {
    const objects = `${temporary}/objects`;
    fs.mkdirSync(objects);
    const env = { GIT_OBJECT_DIRECTORY: objects };
    // BuildStream's files are compressed like this.
    const unpack = ["-c", "core.looseCompression=-1", "unpack-objects", "-q"];
    await git(unpack, { repository, env, signal, input: pack, failure });
    return importLocal(cas, temporary);
  });
}

/** Writes files by their paths, and the folders above them; undefined stands for a folder. */
export function writeFiles(
  tree: Tree,
  cas: Cas,
  files: Readonly<Record<string, string | Uint8Array | undefined>>,
): void {
  for (const [path, content] of Object.entries(files)) {
    tree.makeDirectory(path.slice(0, path.lastIndexOf("/") + 1));
    if (content !== undefined) tree.addFile(path, cas.write(content), { executable: false });
  }
}
