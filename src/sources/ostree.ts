/** Source kind `ostree`: the files of a commit in an OSTree repository. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import { importLocal } from "../cas/import.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import type { SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { exclusively } from "./exclusively.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";
import { remoteUrl, runOstree } from "./ostree-command.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";

class OstreeSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  readonly #branch: string | undefined;
  readonly #gpgKey: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    this.#declaredUrl = config.required("url", config.string("url"));
    context.resolveUrl(this.#declaredUrl);
    this.#branch = config.string("track");
    if (this.ref === undefined && this.#branch === undefined) {
      throw new BstError("source", `${context.provenance}: The source needs a 'ref' or something to 'track'`, {
        reason: "missing-track-and-ref",
      });
    }
    const key = config.scalar("gpg-key");
    this.#gpgKey = key === undefined ? undefined : join(context.projectDirectory, context.projectPath(key, "file"));
  }

  uniqueKey(): KeyValue {
    return [this.#declaredUrl, this.ref ?? null];
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    const { ref } = this;
    // A commit whose objects did not all arrive is marked.
    const repository = this.#repository(io);
    return (
      ref !== undefined &&
      existsSync(join(repository, "objects", ref.slice(0, 2), `${ref.slice(2)}.commit`)) &&
      !existsSync(join(repository, "state", `${ref}.commitpartial`))
    );
  }

  async track(io: SourceIo): Promise<string | undefined> {
    const branch = this.#branch;
    if (branch === undefined) return undefined;
    return firstCandidate(this.#context, this.#declaredUrl, "track", async ({ url }) => {
      await this.#pull(url, branch, io);
      const commit = await this.#ostree(io, "rev-parse", "--", branch);
      return commit.trim();
    });
  }

  async fetch(io: SourceIo): Promise<void> {
    const { ref } = this;
    if (ref === undefined || this.isCached(io)) return;
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", ({ url }) => this.#pull(url, ref, io));
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await withTemporary(io.mirrorDirectory, async (directory) => {
      const checkout = join(directory, "checkout");
      await this.#ostree(io, "checkout", "--user-mode", "--", this.ref ?? "", checkout);
      tree.importTree(importLocal(io.cas, checkout));
    });
  }

  info() {
    return noInfo(this.#context);
  }

  #repository(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, urlDirectoryName(this.#declaredUrl));
  }

  #pull(url: string, what: string, io: SourceIo): Promise<void> {
    return exclusively(this.#repository(io), () => this.#pullAlone(url, what, io));
  }

  async #pullAlone(url: string, what: string, io: SourceIo): Promise<void> {
    if (!existsSync(this.#repository(io))) {
      await this.#ostree(io, "init", "--mode=archive-z2");
      await this.#ostree(io, "config", "set", "core.min-free-space-percent", "0");
    }
    const remote = url === this.#declaredUrl ? "origin" : urlDirectoryName(url);
    const trust = this.#gpgKey === undefined ? "--no-gpg-verify" : `--gpg-import=${this.#gpgKey}`;
    await this.#ostree(io, "remote", "add", "--if-not-exists", trust, remote, remoteUrl(url, this.#context));
    await io.activity(`Fetching ${what} from ${url}`, () => this.#ostree(io, "pull", "--", remote, what));
  }

  async #ostree(io: SourceIo, ...args: string[]): Promise<string> {
    return runOstree(this.#repository(io), args, this.#context, io.signal);
  }
}

export const ostree: SourceKind = {
  kind: "ostree",
  isPlugin: true,
  schema: record({ url: text, ref: text, track: text, "gpg-key": text }, ["url"]),
  configure: (config, context) => new OstreeSource(config, context),
};
