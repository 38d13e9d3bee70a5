/** Source kind `bzr`: a revision of a branch of Bazaar. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import { importLocal } from "../cas/import.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { exclusively } from "./exclusively.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";
import { runProgram } from "./run-program.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";

class BzrSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  readonly #url: string;
  readonly #branch: string;
  readonly #version: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    this.#declaredUrl = config.required("url", config.string("url"));
    const branch = config.required("track", config.scalar("track"));
    if (branch.value.split("/").includes("..")) throw branch.error("This is no name of a branch");
    this.#branch = branch.value;
    this.#url = context.resolveUrl(this.#declaredUrl);
    this.#version = config.string("version");
  }

  uniqueKey(): KeyValue {
    const version = this.#version === undefined ? [] : [this.#version];
    return [this.#declaredUrl, this.#branch, this.ref ?? null, ...version];
  }

  /** Revisions have numbers, so that none is missing before the last. */
  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.ref !== undefined && existsSync(this.#marker(io, this.ref));
  }

  async track(io: SourceIo): Promise<string> {
    return firstCandidate(this.#context, this.#declaredUrl, "track", async ({ url }) => {
      await io.activity(`Tracking ${url}`, () => this.#update(url, io));
      const args = ["version-info", "--custom", "--template={revno}", this.#branchDirectory(io)];
      return this.#bzr(args, io, "The number of the newest revision cannot be read");
    });
  }

  async fetch(io: SourceIo): Promise<void> {
    const { ref } = this;
    if (ref === undefined || this.isCached(io)) return;
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", async ({ url }) => {
      await io.activity(`Fetching ${url}`, () => this.#update(url, io));
      try {
        await this.#bzr(["revno", `--revision=revno:${ref}`, this.#branchDirectory(io)], io, "");
      } catch (error) {
        if (!(error instanceof BstError) || error.domain !== "plugin") throw error;
        throw new BstError("source", `${this.#context.provenance}: Revision ${ref} is not in ${url}`, {
          reason: "ref-not-mirrored",
          cause: error,
        });
      }
      mkdirSync(this.#marker(io, ref), { recursive: true });
    });
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    await withTemporary(io.mirrorDirectory, async (directory) => {
      const checkout = join(directory, "checkout");
      const args = ["checkout", "--lightweight", `--revision=revno:${this.ref}`, this.#branchDirectory(io), checkout];
      await this.#bzr(args, io, `Revision ${this.ref} cannot be checked out`);
      rmSync(join(checkout, ".bzr"), { recursive: true, force: true });
      tree.importTree(importLocal(io.cas, checkout));
    });
  }

  async initWorkspace(directory: string, io: SourceIo): Promise<void> {
    const revision = `--revision=revno:${this.ref}`;
    const failure = "The workspace cannot be set up";
    await this.#bzr(["branch", "--use-existing-dir", revision, this.#branchDirectory(io), directory], io, failure);
    await this.#bzr(["switch", `--directory=${directory}`, join(this.#url, this.#branch)], io, failure);
  }

  info(): readonly SourceInfo[] {
    return [
      {
        url: this.#url,
        medium: "bzr",
        versionType: "commit",
        version: this.ref,
        ...(this.#version !== undefined && { versionGuess: this.#version }),
      },
    ];
  }

  #update(url: string, io: SourceIo): Promise<void> {
    const repository = this.#repository(io);
    return exclusively(repository, () => this.#updateAlone(url, repository, io));
  }

  async #updateAlone(url: string, repository: string, io: SourceIo): Promise<void> {
    const branch = this.#branchDirectory(io);
    const remote = `${url}/${this.#branch}`;
    if (!existsSync(join(repository, ".bzr"))) {
      await this.#bzr(["init-repo", "--no-trees", repository], io, "The repository cannot be made");
    }
    if (existsSync(branch)) {
      await this.#bzr(["pull", `--directory=${branch}`, "--", remote], io, `${remote} cannot be pulled`);
    } else {
      mkdirSync(dirname(branch), { recursive: true });
      await this.#bzr(["branch", "--", remote, branch], io, `${remote} cannot be branched`);
    }
  }

  #repository(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, urlDirectoryName(this.#declaredUrl));
  }

  #branchDirectory(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(this.#repository(io), this.#branch);
  }

  /** A folder that says that a revision is there, which only the program could find out otherwise. */
  #marker(io: Pick<SourceIo, "mirrorDirectory">, revision: string): string {
    const name = urlDirectoryName(`${this.#branch} ${revision}`);
    return join(this.#repository(io), ".bst-ts", name);
  }

  async #bzr(args: readonly string[], io: SourceIo, failure: string): Promise<string> {
    const { code, stdout, stderr } = await runProgram("bzr", args, { signal: io.signal });
    if (code === 0) return stdout.toString();
    throw new BstError("plugin", `${this.#context.provenance}: ${failure}`, { detail: stderr });
  }
}

export const bzr: SourceKind = {
  kind: "bzr",
  isPlugin: true,
  schema: record({ url: text, track: text, ref: text, version: text }, ["url", "track"]),
  configure: (config, context) => new BzrSource(config, context),
};
