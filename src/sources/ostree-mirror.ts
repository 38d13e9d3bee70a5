/** Source kind `ostree_mirror`: an OSTree repository with some branches of another, as files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compareCodePoints, type KeyValue } from "../base/json.ts";
import { listOf, record, text } from "../base/schema.ts";
import { importLocal } from "../cas/import.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import type { Ref, Source, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import { type MappingNode, nodeFrom, type Plain, type SequenceNode } from "../yaml/node.ts";
import { exclusively } from "./exclusively.ts";
import { fnmatch } from "./fnmatch.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";
import { remoteUrl, runOstree } from "./ostree-command.ts";
import { withTemporary } from "./temporary-directory.ts";

interface Branch {
  readonly ref: string;
  readonly checksum: string;
}

class OstreeMirrorSource implements Source {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  readonly #gpgKey: string;
  readonly #pattern: string | undefined;
  #branches: readonly Branch[] = [];

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    const url = config.string("url") || undefined;
    if (url !== undefined) {
      this.#declaredUrl = url;
      context.resolveUrl(url);
    } else {
      const path = context.projectPath(config.required("path", config.scalar("path")));
      this.#declaredUrl = `file://${join(context.projectDirectory, path)}`;
    }
    const key = context.projectPath(config.required("gpg", config.scalar("gpg")));
    this.#gpgKey = join(context.projectDirectory, key);
    this.#pattern = config.string("match");
    this.loadRef(config);
  }

  get ref(): Ref {
    return this.#branches.map((branch) => ({ ...branch }));
  }

  /** A mirror may have no branches. */
  get isResolved(): boolean {
    return true;
  }

  uniqueKey(): KeyValue {
    const sorted = [...this.#branches].sort((a, b) => compareCodePoints(a.ref, b.ref));
    return [this.#declaredUrl, sorted.map(({ ref, checksum }) => ({ ref, checksum }))];
  }

  setRef(ref: Ref | undefined): void {
    const node = ref === undefined ? undefined : nodeFrom(ref);
    this.#branches = node?.type === "sequence" ? readBranches(node) : [];
  }

  loadRef(node: MappingNode): void {
    const ref = node.sequence("ref");
    this.#branches = ref === undefined ? [] : readBranches(ref);
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#missing(io).length === 0;
  }

  async track(io: SourceIo): Promise<Ref> {
    return firstCandidate(this.#context, this.#declaredUrl, "track", async ({ url }) => {
      await this.#prepare(url, io);
      await io.activity(`Mirroring ${url}`, () => this.#run(io, "pull", "--mirror", "origin"));
      const list = await this.#run(io, "remote", "refs", "origin");
      const names = list.split("\n").map((line) => line.trim().replace(/^origin:/, ""));
      const wanted = names.filter((ref) => ref !== "" && (!this.#pattern || fnmatch(ref, this.#pattern)));
      const branches: Ref = [];
      for (const ref of wanted.sort(compareCodePoints)) {
        branches.push({ ref, checksum: (await this.#run(io, "rev-parse", "--", ref)).trim() });
      }
      return branches;
    });
  }

  async fetch(io: SourceIo): Promise<void> {
    const missing = this.#missing(io);
    if (missing.length === 0) return;
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", async ({ url }) => {
      await this.#prepare(url, io);
      await io.activity(`Fetching from ${url}`, () => this.#run(io, "pull", "--mirror", "--", "origin", ...missing));
    });
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await withTemporary(io.mirrorDirectory, async (directory) => {
      const repository = join(directory, "repository");
      const run = (...args: string[]) => runOstree(repository, args, this.#context, io.signal);
      await run("init", "--mode=archive");
      if (this.#branches.length > 0) {
        const commits = this.#branches.map(({ checksum }) => checksum);
        await run("pull-local", "--", this.#repository(io), ...commits);
      }
      for (const { ref, checksum } of this.#branches) await run("refs", `--create=${ref}`, "--", checksum);
      tree.importTree(importLocal(io.cas, repository));
    });
  }

  info() {
    return noInfo(this.#context);
  }

  #missing(io: Pick<SourceIo, "mirrorDirectory">): string[] {
    const objects = join(this.#repository(io), "objects");
    return this.#branches
      .map(({ checksum }) => checksum)
      .filter((commit) => !existsSync(join(objects, commit.slice(0, 2), `${commit.slice(2)}.commit`)));
  }

  #repository(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, urlDirectoryName(this.#declaredUrl));
  }

  #prepare(url: string, io: SourceIo): Promise<void> {
    return exclusively(this.#repository(io), () => this.#prepareAlone(url, io));
  }

  async #prepareAlone(url: string, io: SourceIo): Promise<void> {
    if (!existsSync(join(this.#repository(io), "config"))) await this.#run(io, "init", "--mode=archive");
    await this.#run(
      io,
      "remote",
      "add",
      "--force",
      `--gpg-import=${this.#gpgKey}`,
      "origin",
      remoteUrl(url, this.#context),
    );
  }

  async #run(io: SourceIo, ...args: string[]): Promise<string> {
    return runOstree(this.#repository(io), args, this.#context, io.signal);
  }
}

function readBranches(list: SequenceNode): Branch[] {
  return list.mappings().map((node) => {
    node.validateKeys(new Set(["ref", "checksum"]));
    const checksum = node.required("checksum", node.scalar("checksum"));
    // It becomes a part of paths.
    if (!/^[0-9a-f]{64}$/.test(checksum.value)) throw checksum.error("This is no checksum of a commit");
    return { ref: node.required("ref", node.string("ref")), checksum: checksum.value };
  });
}

export const ostreeMirror: SourceKind = {
  kind: "ostree_mirror",
  isPlugin: true,
  schema: record(
    { match: text, path: text, url: text, ref: listOf(record({ ref: text, checksum: text })), gpg: text },
    ["gpg"],
  ),
  configure: (config, context) => new OstreeMirrorSource(config, context),
};
