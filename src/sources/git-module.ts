/** Source kind `git_module`: a submodule of what other sources staged, tracked by the commit that those have for it. */
import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import type { Ref, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { submoduleCommit } from "./git-index.ts";
import { GitTagBase, gitTagProperties } from "./git-tag-base.ts";
import type { TagMirror } from "./git-tag-mirror.ts";

class GitModuleSource extends GitTagBase {
  readonly #path: string;

  constructor(config: MappingNode, context: SourceContext) {
    const declared = config.required("path", config.scalar("path"));
    const path = declared.value.startsWith("/") ? posix.relative("/", declared.value) || "." : declared.value;
    if (path.split("/").includes("..")) throw declared.error(`The path '${path}' leads out of the sources`);
    super("git_module", config, context, path);
    this.#path = path;
  }

  async track(io: SourceIo): Promise<Ref> {
    const index = io.previous?.lookup(".git/index");
    const { provenance } = this.context;
    if (index?.kind !== "file") {
      throw new BstError("source", `${provenance}: The sources before it have no repository`);
    }
    const commit = submoduleCommit(io.cas.read(index.digest), posix.normalize(this.#path));
    if (commit !== undefined) return commit;
    throw new BstError("source", `${provenance}: There is no submodule '${this.#path}' in the sources before it`);
  }

  protected override ownKey(): KeyValue[] {
    // Several submodules may be of one commit.
    return this.#path === "" ? [] : [{ path: this.#path }];
  }

  protected override submodules(): TagMirror[] {
    return [];
  }
}

export const gitModule: SourceKind = {
  kind: "git_module",
  isPlugin: true,
  schema: record({ ...gitTagProperties, path: text }, ["url", "path"]),
  needsPrevious: { track: true },
  configure: (config, context) => new GitModuleSource(config, context),
};
