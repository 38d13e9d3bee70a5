/** Source kind `remote`: one downloaded file, staged as it is. */
import { basename } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { bool, record, text } from "../base/schema.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { DownloadableSource, downloadableProperties } from "./downloadable.ts";

class RemoteSource extends DownloadableSource {
  readonly #filename: string;
  readonly #executable: boolean;

  constructor(config: MappingNode, context: SourceContext) {
    super(config, context);
    this.#filename = config.string("filename") ?? basename(this.url);
    this.#executable = config.bool("executable") ?? false;
    if (this.#filename.includes("/")) {
      throw new BstError("source", `${context.provenance}: A filename cannot have directories in it`, {
        reason: "filename-contains-directory",
      });
    }
  }

  override uniqueKey(): KeyValue[] {
    // Both tell what the staged file is like.
    return [...super.uniqueKey(), this.#filename, this.#executable];
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const staged = new Tree(io.cas);
    staged.addFile(this.#filename, io.cas.importFile(this.file(io)), { executable: this.#executable });
    tree.importTree(staged);
  }
}

export const remote: SourceKind = {
  kind: "remote",
  schema: record({ ...downloadableProperties, filename: text, executable: bool }, ["url"]),
  configure: (config, context) => new RemoteSource(config, context),
};
