/** Source kind `git`: the files of a commit and of its submodules. */

import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { bool, oneOf, record, text } from "../base/schema.ts";
import { Tree } from "../cas/tree.ts";
import { says } from "../project/plugin-text.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import { MappingNode, mappingFrom, type Plain } from "../yaml/node.ts";
import { checkoutCommit } from "./git-checkout.ts";
import { notOption, git as runGit, tryGit } from "./git-command.ts";
import { ensureMirror } from "./git-mirror.ts";
import {
  fetchAll,
  fetchModule,
  hasRevision,
  isExactTag,
  type Module,
  mirrorPath,
  revision,
} from "./git-source-mirror.ts";
import { SubmoduleConfig, submodulesSchema } from "./git-submodule-config.ts";
import { absoluteUrl, submodulesOf } from "./git-submodules.ts";
import { plainTags, reachableTags, readTags, stageTags, type Tag, tagsSchema } from "./git-tags.ts";
import { firstCandidate } from "./mirror-file.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

class GitSource implements Source {
  readonly #context: SourceContext;
  readonly #url: string;
  readonly #track: string | undefined;
  readonly #trackTags: boolean;
  readonly #describe: boolean;
  readonly #submodules: SubmoduleConfig;
  readonly #guesser: VersionGuesser;
  #ref: string | undefined;
  #tags: readonly Tag[] = [];

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.loadRef(config);
    this.#trackTags = config.bool("track-tags") ?? false;
    this.#url = config.required("url", config.string("url"));
    this.#track = config.string("track");
    this.#describe = config.string("ref-format") === "git-describe";
    this.#guesser = new VersionGuesser(config);
    if (this.#ref === undefined && this.#track === undefined) {
      throw new BstError("source", `${context.provenance}: The source has neither a 'ref' nor something to 'track'`, {
        reason: "missing-track-and-ref",
      });
    }
    this.#submodules = new SubmoduleConfig(config, context);
    context.resolveUrl(this.#url);
  }

  get ref(): Ref | undefined {
    if (this.#ref === undefined || this.#tags.length === 0) return this.#ref;
    return { ref: this.#ref, tags: plainTags(this.#tags) };
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue[] {
    // The tag that a ref is described by makes no other files of its commit.
    const key: KeyValue[] = [this.#url, this.#ref?.split("-g").at(-1) ?? null];
    if (this.#tags.length > 0) {
      const tags = this.#tags.map(({ tag, commit, annotated }) => [tag, [commit, annotated]] as const);
      key.push({ tags: Object.fromEntries(tags) });
    }
    return [...key, ...this.#submodules.uniqueKey(), ...this.#guesser.uniqueKey()];
  }

  setRef(ref: Ref | undefined): void {
    this.loadRef(ref === undefined ? MappingNode.empty : mappingFrom(fieldsOf(ref)));
  }

  loadRef(node: MappingNode): void {
    this.#ref = node.string("ref");
    this.#tags = readTags(node);
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    const { tags, ...others } = fieldsOf(ref);
    return { ...others, tags };
  }

  isCached(io: MirrorIo): boolean {
    if (this.#ref === undefined || !hasRevision(mirrorPath(io, this.#url), this.#ref)) return false;
    for (const { mirrorUrl, ref } of this.#modules(io)) if (!hasRevision(mirrorPath(io, mirrorUrl), ref)) return false;
    return true;
  }

  async track(io: SourceIo): Promise<Ref | undefined> {
    const track = this.#track;
    const { provenance } = this.#context;
    if (track === undefined || track === "") {
      if (this.#ref !== undefined) return undefined;
      throw new BstError("source", `${provenance}: The source has no ref, and nothing to track`, {
        reason: "track-attempt-no-track",
      });
    }
    const { signal } = io;
    const repository = mirrorPath(io, this.#url);
    notOption(track, "The track");
    return firstCandidate(this.#context, this.#url, "track", ({ url }) =>
      io.activity(`Tracking ${track} from ${url}`, async () => {
        await ensureMirror(repository, io.mirrorDirectory, signal);
        await fetchAll(repository, url, io, `${provenance}: Cannot fetch from ${url}`, { deepen: true });
        const failure = `${provenance}: There is no revision '${track}' in ${url}`;
        const ask = async (...args: string[]) =>
          (await runGit(args, { repository, signal, failure })).toString().trim();
        const commit = await ask("rev-list", "-n", "1", track, "--");
        const tags = this.#trackTags ? await reachableTags(repository, commit, signal) : [];
        const describe = ["describe", "--tags", "--abbrev=40", "--long", "--always", commit];
        const ref = this.#describe ? await ask(...describe) : commit;
        return tags.length === 0 ? ref : { ref, tags: plainTags(tags) };
      }),
    );
  }

  async fetch(io: SourceIo): Promise<void> {
    await fetchModule(this.#context, this.#top(), io);
    for (const module of this.#modules(io, io)) {
      this.#context.resolveUrl(module.url);
      await fetchModule(this.#context, module, io);
    }
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await this.#validate(io);
    await io.activity(`Staging ${this.#url}`, async () => {
      const staged = new Tree(io.cas);
      for (const { path, mirrorUrl, ref } of [this.#top(), ...this.#modules(io)]) {
        const { files } = await checkoutCommit(mirrorPath(io, mirrorUrl), revision(ref), io);
        staged.makeDirectory(path).importTree(files);
      }
      if (this.#tags.length > 0) {
        const { ref, mirrorUrl } = this.#top();
        staged
          .makeDirectory(".git")
          .importTree(
            await stageTags(
              mirrorPath(io, mirrorUrl),
              revision(ref),
              { tags: this.#tags, haveTaggers: says(this.#context, /Unspecified Tagger/) },
              io,
            ),
          );
      }
      tree.importTree(staged);
    });
  }

  async initWorkspace(directory: string, io: SourceIo): Promise<void> {
    await this.#validate(io);
    await io.activity(`Setting up workspace "${directory}"`, async () => {
      for (const { path, url, mirrorUrl, ref } of [this.#top(), ...this.#modules(io)]) {
        const target = join(directory, path);
        const failure = `${this.#context.provenance}: Cannot set up the workspace ${target}`;
        const run = (...args: string[]) => runGit(args, { cwd: directory, signal: io.signal, failure });
        await run("clone", "--quiet", "--no-checkout", "--", mirrorPath(io, mirrorUrl), target);
        const origin = this.#context.candidates(url, "track")[0]?.url ?? url;
        await run("-C", target, "remote", "set-url", "--", "origin", origin);
        await run("-C", target, "checkout", "--quiet", "--force", revision(ref), "--");
      }
    });
  }

  info(): readonly SourceInfo[] {
    const ref = this.#ref;
    const [, tag, offset = "0", commit] = /^(.*)-([^-]*)-g(.*)$/s.exec(ref ?? "") ?? [];
    return [
      {
        url: this.#url,
        medium: "git",
        versionType: "commit",
        version: commit ?? ref,
        ...this.#guesser.guess(tag),
        ...(offset !== "0" && { extraData: { "commit-offset": offset } }),
      },
    ];
  }

  #top(): Module {
    if (this.#ref === undefined) throw new BstError("source", `${this.#context.provenance}: The source has no ref`);
    return { path: "", url: this.#url, mirrorUrl: this.#url, ref: this.#ref };
  }

  /**
   * Submodules, and theirs, that are to be checked out: of a repository that is not here yet none, so that what a loop
   * fetches is seen by its next turn. Those that are declared and not there are reported to `reporter`.
   */
  *#modules(io: MirrorIo, reporter?: SourceIo): Generator<Module> {
    yield* this.#below(io, this.#top(), reporter, (module) => {
      if (this.#submodules.ignores(module.path)) return undefined;
      return { ...module, url: this.#submodules.url(module.path) ?? module.url };
    });
  }

  *#below(
    io: MirrorIo,
    parent: Module,
    reporter: SourceIo | undefined,
    configure: (module: Module) => Module | undefined,
  ): Generator<Module> {
    const repository = mirrorPath(io, parent.mirrorUrl);
    if (!hasRevision(repository, parent.ref)) return;
    for (const { path, url, commit } of submodulesOf(repository, revision(parent.ref))) {
      if (commit === undefined) {
        reporter?.warn(
          `${this.#context.provenance}: The submodule '${path}' is ignored, as it is not in the repository`,
          {
            token: "git:inconsistent-submodule",
            detail: "It is declared in .gitmodules, but was never added by 'git submodule add'.",
          },
        );
        continue;
      }
      const absolute = absoluteUrl(parent.url, url);
      const found = { path: join(parent.path, path), url: absolute, mirrorUrl: absolute, ref: commit };
      const module = configure(found);
      if (module === undefined) continue;
      yield module;
      yield* this.#below(io, module, reporter, configure);
    }
  }

  /** Reports what the source says and the repository does not bear out. */
  async #validate(io: SourceIo): Promise<void> {
    const found = [...this.#below(io, this.#top(), io, (module) => module)];
    this.#submodules.validate(found, io);
    await this.#validateTrack(io);
  }

  async #validateTrack(io: SourceIo): Promise<void> {
    const track = this.#track;
    const { url, ref } = this.#top();
    if (track === undefined || track === "" || isExactTag(ref)) return;
    const repository = mirrorPath(io, url);
    notOption(track, "The track");
    for (const kind of ["branch", "tag"]) {
      const args = [kind, "--list", track, "--contains", revision(ref)];
      const { stdout } = await tryGit(args, { repository, signal: io.signal });
      if (stdout.length > 0) return;
    }
    io.warn(`${this.#context.provenance}: The ref '${ref}' is not in the tracked '${track}' of ${url}`, {
      token: "ref-not-in-track",
      detail: "Track the source to have a ref that is, or look for the ref in the repository.",
    });
  }
}

/** A ref without tags is only text. */
function fieldsOf(ref: Ref): { readonly [key: string]: Plain } {
  return typeof ref === "string" || Array.isArray(ref) ? { ref } : ref;
}

export const git: SourceKind = {
  kind: "git",
  isPlugin: true,
  schema: record(
    {
      url: text,
      ref: text,
      track: text,
      "ref-format": oneOf("sha1", "git-describe"),
      "track-tags": bool,
      tags: tagsSchema,
      "checkout-submodules": bool,
      submodules: submodulesSchema,
      ...versionProperties,
    },
    ["url"],
  ),
  configure: (config, context) => new GitSource(config, context),
};
