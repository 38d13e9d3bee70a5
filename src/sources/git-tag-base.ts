/** What the source kinds `git_tag` and `git_module` have in common. */
import type { KeyValue } from "../base/json.ts";
import { bool, type JsonSchema, text } from "../base/schema.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceInfo, SourceIo } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { parseRef } from "./git-repo-mirror.ts";
import { TagMirror, type TagMirrorOptions } from "./git-tag-mirror.ts";
import { TextRefSource } from "./text-ref-source.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

/** Schemas of the keys that these kinds share. */
export const gitTagProperties: { readonly [key: string]: JsonSchema } = {
  url: text,
  ref: text,
  "full-clone": bool,
  "use-lfs": bool,
  ...versionProperties,
};

export abstract class GitTagBase extends TextRefSource {
  protected readonly context: SourceContext;
  protected readonly url: string;
  readonly #resolvedUrl: string;
  readonly #kind: string;
  readonly #path: string;
  readonly #fullClone: boolean;
  readonly #useLfs: boolean | undefined;
  readonly #guesser: VersionGuesser;

  /** @param path where it is staged below the source's folder; empty for that itself */
  constructor(kind: string, config: MappingNode, context: SourceContext, path: string) {
    super(config);
    this.context = context;
    this.#kind = kind;
    this.#path = path;
    this.url = config.required("url", config.string("url"));
    this.#resolvedUrl = context.resolveUrl(this.url);
    this.#fullClone = config.bool("full-clone") ?? false;
    this.#useLfs = config.bool("use-lfs");
    this.#guesser = new VersionGuesser(config);
  }

  uniqueKey(): KeyValue[] {
    const key: KeyValue[] = [this.url, this.ref ?? null, ...this.ownKey()];
    // The files themselves take the place of pointers.
    if (this.#useLfs === true) key.push("use-lfs");
    return [...key, ...this.#guesser.uniqueKey()];
  }

  isCached(io: MirrorIo): boolean {
    return this.ref !== undefined && this.top().has(io) && this.submodules(io).every((each) => each.has(io));
  }

  async fetch(io: SourceIo): Promise<void> {
    await this.top().fetch(io);
    for (const submodule of this.submodules(io)) {
      this.context.resolveUrl(submodule.url);
      await submodule.fetch(io);
    }
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await io.activity(`Staging ${this.url}`, async () => {
      const staged = new Tree(io.cas);
      for (const each of [this.top(), ...this.submodules(io, io)]) await each.stage(staged, io);
      tree.importTree(staged);
    });
  }

  async initWorkspace(directory: string, io: SourceIo): Promise<void> {
    await io.activity(`Setting up workspace "${directory}"`, async () => {
      for (const each of [this.top(), ...this.submodules(io, io)]) await each.initWorkspace(directory, io);
    });
  }

  info(): readonly SourceInfo[] {
    const { commit, tag, offset } = parseRef(this.ref ?? "") ?? {};
    return [
      {
        url: this.#resolvedUrl,
        medium: "git",
        versionType: "commit",
        version: commit,
        ...this.#guesser.guess(tag),
        ...(offset !== undefined && { extraData: { "commit-offset": offset } }),
      },
    ];
  }

  /** What a kind's own configuration adds to the key. */
  protected abstract ownKey(): KeyValue[];

  /** The submodules that are to be staged; what is wrong with others is reported to `reporter`. */
  protected abstract submodules(io: MirrorIo, reporter?: SourceIo): TagMirror[];

  protected top(): TagMirror {
    const origin = this.#resolvedUrl;
    return this.#mirror({ path: this.#path, url: this.url, origin, ref: this.ref, fullClone: this.#fullClone });
  }

  protected submodule(path: string, url: string, ref: string): TagMirror {
    const origin = this.context.candidates(url, "track")[0]?.url ?? url;
    return this.#mirror({ path, url, origin, ref, fullClone: false });
  }

  #mirror(module: Omit<TagMirrorOptions, "context" | "kind" | "useLfs">): TagMirror {
    return new TagMirror({ ...module, context: this.context, kind: this.#kind, useLfs: this.#useLfs });
  }
}
