/** The tags that `git describe` may need: found in a history, and staged as a repository that has no more than them. */
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import { bool, listOf, record, text } from "../base/schema.ts";
import type { Digest } from "../cas/digest.ts";
import { importLocal } from "../cas/import.ts";
import type { SourceIo } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { git, notOption, tryGit } from "./git-command.ts";
import { withTemporary } from "./git-mirror.ts";

export interface Tag {
  readonly tag: string;
  readonly commit: string;
  readonly annotated: boolean;
}

export const tagsSchema = listOf(record({ tag: text, commit: text, annotated: bool }, ["tag", "commit", "annotated"]));

/** The list `tags` of a source or of its ref. */
export function readTags(config: MappingNode): readonly Tag[] {
  return (config.sequence("tags")?.mappings() ?? []).map((node) => ({
    tag: node.required("tag", node.string("tag")),
    commit: node.required("commit", node.string("commit")),
    annotated: node.required("annotated", node.bool("annotated")),
  }));
}

/** As they are written to where refs are kept. */
export function plainTags(tags: readonly Tag[]): Plain[] {
  return tags.map(({ tag, commit, annotated }) => ({ tag, commit, annotated: annotated ? "True" : "False" }));
}

/** The tags that `git describe` would choose, for each way of asking it. */
export async function reachableTags(repository: string, commit: string, signal: AbortSignal): Promise<Tag[]> {
  const found = new Map<string, Tag>();
  for (const options of [[], ["--first-parent"], ["--tags"], ["--tags", "--first-parent"]]) {
    const described = await tryGit(["describe", "--abbrev=0", ...options, commit], { repository, signal });
    if (described.code !== 0) continue;
    const tag = described.stdout.toString().trim();
    if (found.has(tag)) continue;
    const failure = `Cannot find the commit of the tag '${tag}'`;
    const target = await git(["rev-parse", "--verify", `refs/tags/${tag}^{commit}`], { repository, signal, failure });
    const { code } = await tryGit(["cat-file", "tag", `refs/tags/${tag}`], { repository, signal });
    found.set(tag, { tag, commit: target.toString().trim(), annotated: code === 0 });
  }
  return [...found.values()];
}

export interface StagedTags {
  readonly tags: readonly Tag[];
  /** Whether annotated tags say who made them. */
  readonly haveTaggers: boolean;
}

/**
 * The folder `.git` of a repository with the commits between the tags and a ref, without their files.
 * @param ref a commit, or what git knows it by
 */
export async function stageTags(
  repository: string,
  ref: string,
  { tags, haveTaggers }: StagedTags,
  io: SourceIo,
): Promise<Digest> {
  const { signal } = io;
  const tagger = haveTaggers ? "tagger Unspecified Tagger <unspecified-tagger> 0 +0000\n" : "";
  const { all, shallow } = await commitsBetween(repository, ref, tags, signal);
  return withTemporary(io.mirrorDirectory, async (temporary) => {
    const failure = "Cannot make a repository with the source's tags";
    // The name of the branch does not matter, as HEAD is a commit.
    await git(["init", "--quiet", "--initial-branch=master", temporary], { cwd: temporary, signal, failure });
    const made = join(temporary, ".git");
    const env = { GIT_DIR: made };
    const pack = await git(["pack-objects", "--quiet", "--stdout", "--window=0", "--no-reuse-delta"], {
      repository,
      signal,
      input: all.join("\n"),
      failure,
    });
    await git(["unpack-objects", "-q"], { env, signal, input: pack, failure });
    fs.writeFileSync(join(made, "shallow"), shallow.map((commit) => `${commit}\n`).join(""));
    for (const { tag, commit, annotated } of tags) {
      notOption(tag, "The tag");
      const content = `object ${commit}\ntype commit\ntag ${tag}\n${tagger}`;
      const target = annotated
        ? await git(["hash-object", "-w", "-t", "tag", "--literally", "--stdin"], {
            env,
            signal,
            input: content,
            failure,
          })
        : commit;
      await git(["update-ref", `refs/tags/${tag}`, target.toString().trim()], { env, signal, failure });
    }
    const head = await git(["rev-parse", "--verify", `${ref}^{commit}`], { repository, signal, failure });
    fs.writeFileSync(join(made, "HEAD"), head);
    return importLocal(io.cas, made);
  });
}

async function commitsBetween(repository: string, ref: string, tags: readonly Tag[], signal: AbortSignal) {
  const included = new Set<string>();
  const boundary = new Set<string>();
  for (const { commit } of tags) {
    if (!/^[0-9a-f]{40}$/.test(commit)) throw new BstError("source", `The tag's commit '${commit}' is no commit`);
    if (commit === ref) {
      boundary.add(commit);
      continue;
    }
    const range = `${commit}..${ref}`;
    const failure = `Cannot list the commits ${range}`;
    const output = await git(["rev-list", "--ancestry-path", "--boundary", range], { repository, signal, failure });
    for (const line of output.toString().split("\n")) {
      if (line.startsWith("-")) boundary.add(line.slice(1));
      else if (line !== "") included.add(line);
    }
  }
  const shallow = [...boundary].filter((commit) => !included.has(commit)).sort();
  return { all: [...new Set([...included, ...shallow])], shallow };
}
