/** The mirror that a `git_repo` source keeps of its repository: no more of it than its refs need. */
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { git, gitError, gitFetch, notOption } from "./git-command.ts";
import { ensureMirror, hasObject, isShallow, readRef } from "./git-mirror.ts";
import {
  matchingRefs,
  newestRef,
  peeled,
  type RemoteRefs,
  remoteRefs,
  type TrackPatterns,
  tagsByCommit,
} from "./git-remote.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";

/** What git takes for the whole history. */
const ALL_HISTORY = 0x7fffffff;

export interface DescribedRef {
  readonly commit: string;
  /** The tag that the commit is described by. */
  readonly tag: string | undefined;
  /** How many commits it is away from the tag, as written. */
  readonly offset: string | undefined;
}

/** `<tag>-<offset>-g<commit>` or `<commit>`; undefined for anything else. */
export function parseRef(ref: string): DescribedRef | undefined {
  const match = /^(?:(.*)-(\d+)-g)?([0-9a-f]{40})/.exec(ref);
  if (match === null) return undefined;
  const [, tag, offset, commit = ""] = match;
  return { commit, tag: tag === "" ? undefined : tag, offset };
}

export class GitRepoMirror {
  readonly #context: SourceContext;
  readonly #url: string;
  readonly #patterns: TrackPatterns | undefined;

  constructor(context: SourceContext, url: string, patterns: TrackPatterns | undefined) {
    this.#context = context;
    this.#url = url;
    this.#patterns = patterns;
  }

  path(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, `${urlDirectoryName(this.#url.replace(/\.git$/, ""))}.git`);
  }

  has(io: Pick<SourceIo, "mirrorDirectory">, { commit, tag }: DescribedRef): boolean {
    const path = this.path(io);
    return (tag === undefined || readRef(path, `refs/tags/${tag}`) !== undefined) && hasObject(path, commit);
  }

  async fetch(io: SourceIo, wanted: DescribedRef): Promise<void> {
    await firstCandidate(this.#context, this.#url, "fetch", ({ url }) =>
      io.activity(`Fetching from ${url}`, () => this.#fetchFrom(url, io, wanted)),
    );
  }

  /** The commit of the newest version that is tracked, described by a tag if that is wanted. */
  async track(io: SourceIo, patterns: TrackPatterns, describe: boolean): Promise<string> {
    return firstCandidate(this.#context, this.#url, "track", ({ url }) =>
      io.activity(`Tracking ${patterns.track} from ${url}`, async () => {
        const refs = await remoteRefs(url, io.signal);
        const ref = newestRef(matchingRefs(refs, patterns));
        const commit = peeled(refs, ref) ?? "";
        if (!describe) return commit;
        if (ref.includes("tags")) return `${ref.split("/").slice(2).join("/")}-0-g${commit}`;
        await ensureMirror(this.path(io), io.mirrorDirectory, io.signal);
        await this.#fetchCommit(url, io, { commit, tag: undefined, offset: undefined });
        return this.#describe(commit, refs, io);
      }),
    );
  }

  async #fetchFrom(url: string, io: SourceIo, wanted: DescribedRef): Promise<void> {
    await ensureMirror(this.path(io), io.mirrorDirectory, io.signal);
    if (this.has(io, wanted)) return;
    await this.#fetchCommit(url, io, wanted);
    const { provenance } = this.#context;
    if (!hasObject(this.path(io), wanted.commit)) {
      throw new BstError("source", `${provenance}: The commit ${wanted.commit} is not in the repository at ${url}`);
    }
    if (!this.has(io, wanted)) {
      throw new BstError("source", `${provenance}: The tag '${wanted.tag}' is not in the repository at ${url}`);
    }
  }

  /** Only what the ref needs; where the server gives nothing but its branches and tags, those that may have it. */
  async #fetchCommit(url: string, io: SourceIo, wanted: DescribedRef): Promise<void> {
    const repository = this.path(io);
    const { commit, tag, offset } = wanted;
    const tagSpec = tag === undefined ? [] : [`refs/tags/${tag}`];
    const missingTag = tagSpec.filter((ref) => readRef(repository, ref) === undefined);
    const depth = offset === undefined ? ALL_HISTORY : Number(offset) + 1;
    const isPartial = depth < ALL_HISTORY || isShallow(repository);
    const run = (args: readonly string[], specs: readonly string[]) =>
      gitFetch(["--quiet", "--no-tags", ...args, "--", notOption(url, "The URL"), ...specs], {
        repository,
        network: true,
        signal: io.signal,
      });
    const failure = `${this.#context.provenance}: Cannot fetch from ${url}`;

    const exact = await run(isPartial ? [`--depth=${Math.min(depth, ALL_HISTORY)}`] : [], [
      commit,
      ...missingTag.map(both),
    ]);
    if (exact.code === 0) return;
    if (!/not our ref|unadvertised object/.test(exact.stderr)) {
      throw gitError(failure, exact, !exact.stderr.includes("find remote ref"));
    }
    if (this.#patterns !== undefined) {
      const refs = matchingRefs(await remoteRefs(url, io.signal), this.#patterns);
      const tracked = await run(isShallow(repository) ? ["--unshallow"] : [], [...refs, ...missingTag.map(both)]);
      if (tracked.code === 0 && hasObject(repository, commit)) return;
    }
    const all = await run(isShallow(repository) ? ["--unshallow"] : [], [
      "+refs/heads/*:refs/bst-ts/heads/*",
      "+refs/tags/*:refs/bst-ts/tags/*",
      ...missingTag.map(both),
    ]);
    if (all.code !== 0) throw gitError(failure, all, true);
  }

  /** As `git describe --tags`, but that the commits between are counted by date. */
  async #describe(commit: string, refs: RemoteRefs, io: SourceIo): Promise<string> {
    const tags = tagsByCommit(refs);
    const failure = `${this.#context.provenance}: Cannot list the history of ${commit}`;
    const output = await git(["rev-list", commit], { repository: this.path(io), signal: io.signal, failure });
    const count = output
      .toString("latin1")
      .split("\n")
      .findIndex((each) => tags.has(each));
    if (count < 0) return commit;
    const found = output.toString("latin1", count * 41, count * 41 + 40);
    return `${tags.get(found)}-${count}-g${commit}`;
  }
}

function both(ref: string): string {
  return `${ref}:${ref}`;
}
