/** Source kind `git_tag`: a commit with its repository and submodules, tracked by the newest tag of branches. */
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { bool, record, text, textList } from "../base/schema.ts";
import type { Ref, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { git, notOption, tryGit } from "./git-command.ts";
import { revision } from "./git-source-mirror.ts";
import { SubmoduleConfig, submodulesSchema } from "./git-submodule-config.ts";
import { absoluteUrl, submodulesOf } from "./git-submodules.ts";
import { GitTagBase, gitTagProperties } from "./git-tag-base.ts";
import type { TagMirror } from "./git-tag-mirror.ts";
import { firstCandidate } from "./mirror-file.ts";

class GitTagSource extends GitTagBase {
  readonly #track: string | undefined;
  readonly #trackExtra: readonly string[];
  readonly #trackTags: boolean;
  readonly #patterns: readonly string[];
  readonly #submodules: SubmoduleConfig;

  constructor(config: MappingNode, context: SourceContext) {
    super("git_tag", config, context, "");
    this.#track = config.string("track");
    this.#trackExtra = config.strings("track-extra") ?? [];
    this.#trackTags = config.bool("track-tags") ?? false;
    this.#patterns = [
      ...(config.strings("match") ?? []).map((pattern) => `--match=${pattern}`),
      ...(config.strings("exclude") ?? []).map((pattern) => `--exclude=${pattern}`),
    ];
    if (this.ref === undefined && this.#track === undefined) {
      throw new BstError("source", `${context.provenance}: The source has neither a 'ref' nor something to 'track'`, {
        reason: "missing-track-and-ref",
      });
    }
    this.#submodules = new SubmoduleConfig(config, context);
  }

  async track(io: SourceIo): Promise<Ref | undefined> {
    const track = this.#track;
    if (track === undefined || track === "") return undefined;
    return firstCandidate(this.context, this.url, "track", ({ url }) =>
      io.activity(`Tracking ${track} from ${url}`, async () => {
        const repository = await this.top().update(url, io);
        let newest: { readonly ref: string; readonly time: number } | undefined;
        for (const branch of [track, ...this.#trackExtra]) {
          const found = await this.#newest(repository, notOption(branch, "The track"), io);
          if (found !== undefined && (newest === undefined || found.time > newest.time)) newest = found;
        }
        return newest?.ref;
      }),
    );
  }

  protected override ownKey(): KeyValue[] {
    return this.#submodules.uniqueKey();
  }

  protected override submodules(io: Pick<SourceIo, "mirrorDirectory">, reporter?: SourceIo): TagMirror[] {
    const mirrors: TagMirror[] = [];
    const top = this.top();
    for (const { path, url, commit } of submodulesOf(top.repository(io), revision(top.ref))) {
      if (this.#submodules.ignores(path)) continue;
      if (commit === undefined) {
        const text = `${this.context.provenance}: The submodule '${path}' is ignored, as it is not in the repository`;
        reporter?.warn(text, { detail: "It is declared in .gitmodules, but was never added by 'git submodule add'." });
      } else {
        mirrors.push(this.submodule(path, absoluteUrl(this.url, this.#submodules.url(path) ?? url), commit));
      }
    }
    return mirrors;
  }

  /** The tip of a branch, or its newest tag, described by a tag where there is one. */
  async #newest(repository: string, branch: string, io: SourceIo) {
    const { signal } = io;
    const failure = `${this.context.provenance}: There is no revision '${branch}' in ${this.url}`;
    const describe = (...args: string[]) =>
      tryGit(["describe", "--tags", ...args.slice(0, -1), ...this.#patterns, ...args.slice(-1)], {
        repository,
        signal,
      });
    let ref = branch;
    if (this.#trackTags) {
      const { code, stdout } = await describe("--abbrev=0", branch);
      if (code !== 0) {
        io.info(`There is no tag in the history of '${branch}'`);
        return undefined;
      }
      ref = stdout.toString().trim();
    } else {
      const args = ["rev-parse", "--verify", "--end-of-options", branch];
      ref = (await git(args, { repository, signal, failure })).toString().trim();
    }
    const long = await describe("--abbrev=40", "--long", ref);
    if (long.code === 0) ref = long.stdout.toString().trim();
    // A branch may have an older tag than another that is tracked.
    const time = await git(["log", "-1", "--format=%ct", ref, "--"], { repository, signal, failure });
    return { ref, time: Number(time.toString()) };
  }
}

export const gitTag: SourceKind = {
  kind: "git_tag",
  isPlugin: true,
  schema: record(
    {
      ...gitTagProperties,
      track: text,
      "track-extra": textList,
      "track-tags": bool,
      match: textList,
      exclude: textList,
      "checkout-submodules": bool,
      submodules: submodulesSchema,
    },
    ["url"],
  ),
  configure: (config, context) => new GitTagSource(config, context),
};
