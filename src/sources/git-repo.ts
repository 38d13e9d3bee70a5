/** Source kind `git_repo`: a commit, with as much of its repository as describes it. */

import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { oneOf, record, text, textList } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { ecosystem } from "./ecosystem.ts";
import { git } from "./git-command.ts";
import type { TrackPatterns } from "./git-remote.ts";
import { type DescribedRef, GitRepoMirror, parseRef } from "./git-repo-mirror.ts";
import { stageGitRepo } from "./git-repo-stage.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

class GitRepoSource implements Source {
  readonly #context: SourceContext;
  readonly #url: string;
  readonly #resolvedUrl: string;
  readonly #patterns: TrackPatterns | undefined;
  readonly #describe: boolean;
  readonly #version: string | undefined;
  readonly #versionPattern: string | undefined;
  readonly #guesser: VersionGuesser;
  readonly #mirror: GitRepoMirror;
  #ref: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.loadRef(config);
    this.#url = config.required("url", config.string("url"));
    this.#resolvedUrl = context.resolveUrl(this.#url);
    const track = config.string("track");
    const exclude = config.strings("exclude") ?? [];
    this.#patterns = track === undefined || track === "" ? undefined : { track, exclude };
    this.#describe = config.string("ref-format") === "git-describe";
    this.#version = config.string("version");
    this.#versionPattern = config.string("version-guess-pattern");
    this.#guesser = new VersionGuesser(config);
    this.#mirror = new GitRepoMirror(context, this.#url, this.#patterns);
  }

  get ref(): string | undefined {
    return this.#ref;
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue {
    const key = { ref: this.#ref ?? null, bugfix: 1 };
    if (this.#version !== undefined) return { ...key, version: this.#version };
    return this.#versionPattern === undefined ? key : { ...key, "version-guess-pattern": this.#versionPattern };
  }

  setRef(ref: Ref | undefined): void {
    this.#ref = typeof ref === "string" ? ref : undefined;
  }

  loadRef(node: MappingNode): void {
    const ref = node.string("ref");
    if (ref === undefined) return;
    if (parseRef(ref) === undefined) {
      throw new BstError(
        "source",
        `${this.#context.provenance}: The ref '${ref}' is neither a commit nor ends in one`,
        {
          detail: "Refs look like 'a5eb…' or 'tag-0-ga5eb…', with the 40 digits of the commit.",
        },
      );
    }
    this.#ref = ref;
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#ref !== undefined && this.#mirror.has(io, this.#described());
  }

  async track(io: SourceIo): Promise<Ref | undefined> {
    if (this.#patterns === undefined) return undefined;
    return this.#mirror.track(io, this.#patterns, this.#describe);
  }

  async fetch(io: SourceIo): Promise<void> {
    if (!this.isCached(io)) await this.#mirror.fetch(io, this.#described());
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    tree.importTree(await stageGitRepo(this.#mirror.path(io), this.#described(), io));
  }

  async initWorkspace(directory: string, io: SourceIo): Promise<void> {
    const { signal } = io;
    const { commit } = this.#described();
    const failure = `${this.#context.provenance}: Cannot set up the workspace`;
    const run = (...args: string[]) => git(args, { cwd: directory, signal, failure });
    await run("init", "--quiet", "--template=", "--initial-branch=master");
    // Tags of its history come along.
    const specs = [`${commit}:refs/bst-ts/workspace`];
    await run("fetch", "--quiet", "--update-shallow", "--no-write-fetch-head", "--", this.#mirror.path(io), ...specs);
    await run("remote", "add", "--", "origin", this.#resolvedUrl);
    await run("reset", "--quiet", "--hard", commit);
    await run("update-ref", "-d", "refs/bst-ts/workspace");
  }

  info(): readonly SourceInfo[] {
    const described = this.#ref === undefined ? undefined : this.#described();
    const { commit, tag, offset } = described ?? {};
    return [
      {
        url: this.#resolvedUrl,
        medium: "git",
        versionType: "commit",
        version: commit,
        ...this.#guesser.guess(tag),
        extraData: {
          ...(tag !== undefined && { "tag-name": tag }),
          ...(offset !== undefined && { "commit-offset": offset }),
          ...ecosystem(this.#context, "GIT"),
        },
      },
    ];
  }

  #described(): DescribedRef {
    const described = parseRef(this.#ref ?? "");
    if (described === undefined) throw new BstError("source", `${this.#context.provenance}: The source has no ref`);
    return described;
  }
}

export const gitRepo: SourceKind = {
  kind: "git_repo",
  isPlugin: true,
  schema: record(
    {
      url: text,
      ref: text,
      track: text,
      exclude: textList,
      "ref-format": oneOf("sha1", "git-describe"),
      ...versionProperties,
    },
    ["url"],
  ),
  configure: (config, context) => new GitRepoSource(config, context),
};
