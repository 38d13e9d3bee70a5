/** What the kinds have in common that unpack a downloaded archive from one of its folders, the `base-dir`. */
import type { KeyValue } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import type { SourceContext } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { DownloadableSource, downloadableProperties } from "./downloadable.ts";

export const basedArchiveSchema = record({ ...downloadableProperties, "base-dir": text }, ["url"]);

export abstract class BasedArchive extends DownloadableSource {
  /** A pattern for the folder; empty for the whole archive. */
  protected readonly baseDirectory: string;

  constructor(config: MappingNode, context: SourceContext) {
    super(config, context);
    this.baseDirectory = config.string("base-dir") ?? "*";
  }

  override uniqueKey(): KeyValue[] {
    // It decides which files of the archive are staged, and where.
    return [...super.uniqueKey(), this.baseDirectory];
  }

  /** How errors about the archive begin. */
  protected get failure(): string {
    return `${this.context.provenance}: Cannot unpack ${this.url}`;
  }
}
