/** What the kinds have in common that find an archive in an index: where it is below the index, and its SHA-256. */

import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { ecosystem } from "./ecosystem.ts";
import { MirrorFile, urlDirectoryName } from "./mirror-file.ts";
import { stageWithoutTop } from "./strip-top.ts";
import type { VersionGuesser } from "./version-guess.ts";

export interface ArchiveRef {
  /** What stands behind the URL of the index. */
  readonly suffix: string;
  readonly sha256sum: string;
}

/** The plugins mind no further keys in it. */
export const archiveRef: JsonSchema = {
  type: "object",
  additionalProperties: true,
  required: ["suffix", "sha256sum"],
  properties: { suffix: text, sha256sum: text },
};

export interface IndexedArchiveOptions {
  /** URL of the index, as declared. */
  readonly baseUrl: string;
  /** What the folder is called after that the archive is kept in. */
  readonly directory: string;
  readonly guesser?: VersionGuesser;
  /** Where package databases know the archives from. */
  readonly ecosystem?: string;
}

export abstract class IndexedArchive implements Source {
  protected readonly context: SourceContext;
  protected readonly baseUrl: string;
  readonly #options: IndexedArchiveOptions;
  #ref: ArchiveRef | undefined;

  constructor(context: SourceContext, options: IndexedArchiveOptions) {
    this.context = context;
    this.baseUrl = options.baseUrl;
    this.#options = options;
    context.resolveUrl(options.baseUrl);
  }

  get ref(): Ref | undefined {
    return this.#ref === undefined ? undefined : { ...this.#ref };
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue[] {
    // Which archive it is; the index that has it makes no difference.
    const { suffix = null, sha256sum = null } = this.#ref ?? {};
    return [suffix, sha256sum, ...(this.#options.guesser?.uniqueKey() ?? [])];
  }

  setRef(ref: Ref | undefined): void {
    if (ref === undefined || typeof ref === "string" || Array.isArray(ref)) {
      this.#ref = undefined;
      return;
    }
    const { suffix, sha256sum } = ref;
    this.#ref = typeof suffix === "string" && typeof sha256sum === "string" ? { suffix, sha256sum } : undefined;
  }

  loadRef(node: MappingNode): void {
    this.#ref = readRef(node.mapping("ref"));
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#ref !== undefined && this.#file(this.#ref.suffix).isCached(io, this.#ref.sha256sum);
  }

  abstract track(io: SourceIo): Promise<Ref | undefined>;

  async fetch(io: SourceIo): Promise<void> {
    if (this.#ref !== undefined) await this.#file(this.#ref.suffix).fetch(io, this.#ref.sha256sum);
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    if (this.#ref === undefined) throw new BstError("source", `${this.context.provenance}: The source has no ref`);
    const { suffix, sha256sum } = this.#ref;
    await stageWithoutTop(tree, io, this.#file(suffix).path(io, sha256sum), suffix, this.context);
  }

  info(): readonly SourceInfo[] {
    const { guesser, ecosystem: known = "None" } = this.#options;
    const url = this.context.resolveUrl(`${this.baseUrl}${this.#ref?.suffix ?? ""}`);
    return [
      {
        url,
        medium: "remote-file",
        versionType: "sha256",
        version: this.#ref?.sha256sum,
        ...guesser?.guess(url),
        extraData: ecosystem(this.context, known),
      },
    ];
  }

  /** Downloads the archive that an index names, to know its SHA-256. */
  protected async trackFile(io: SourceIo, suffix: string): Promise<Ref> {
    return { suffix, sha256sum: await this.#file(suffix).track(io) };
  }

  #file(suffix: string): MirrorFile {
    return new MirrorFile(this.context, `${this.baseUrl}${suffix}`, urlDirectoryName(this.#options.directory));
  }
}

function readRef(node: MappingNode | undefined): ArchiveRef | undefined {
  if (node === undefined) return undefined;
  return {
    suffix: node.required("suffix", node.string("suffix")),
    sha256sum: node.required("sha256sum", node.string("sha256sum")),
  };
}
