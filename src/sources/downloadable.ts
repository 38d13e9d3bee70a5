/** What the kinds that download one file have in common: its URL, its SHA-256 as ref, and the mirror that keeps it. */
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { MirrorFile, urlDirectoryName } from "./mirror-file.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

/** Schemas of the keys that these kinds share. */
export const downloadableProperties: { readonly [key: string]: JsonSchema } = {
  url: text,
  ref: text,
  ...versionProperties,
};

export abstract class DownloadableSource implements Source {
  protected readonly context: SourceContext;
  /** With its alias resolved. */
  protected readonly url: string;
  readonly #declaredUrl: string;
  readonly #guesser: VersionGuesser;
  readonly #file: MirrorFile;
  #ref: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    this.context = context;
    this.#declaredUrl = config.required("url", config.string("url"));
    this.#ref = config.string("ref");
    this.url = context.resolveUrl(this.#declaredUrl);
    this.#guesser = new VersionGuesser(config);
    this.#file = new MirrorFile(context, this.#declaredUrl, urlDirectoryName(this.#declaredUrl));
  }

  get ref(): string | undefined {
    return this.#ref;
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue[] {
    // The URL as declared: which mirror serves the file, or where an alias leads, makes no other file of it.
    return [this.#declaredUrl, this.#ref ?? null, ...this.#guesser.uniqueKey()];
  }

  setRef(ref: Ref | undefined): void {
    this.#ref = typeof ref === "string" ? ref : undefined;
  }

  loadRef(node: MappingNode): void {
    this.#ref = node.string("ref");
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#file.isCached(io, this.#ref);
  }

  async track(io: SourceIo): Promise<Ref> {
    const known = this.#ref;
    const found = await this.#file.track(io, known);
    if (known !== undefined && known !== found) {
      io.warn("Potential man-in-the-middle attack!", {
        detail: `Another file than before is now at ${this.url}\n  Current ref: ${known}\n  New ref: ${found}`,
      });
    }
    return found;
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.#ref !== undefined) await this.#file.fetch(io, this.#ref);
  }

  abstract stage(tree: Tree, io: SourceIo): Promise<void>;

  info(): readonly SourceInfo[] {
    return [
      {
        url: this.url,
        medium: "remote-file",
        versionType: "sha256",
        version: this.#ref,
        ...this.#guesser.guess(this.#declaredUrl),
      },
    ];
  }

  /** Path of the downloaded file. Only where the source is cached. */
  protected file(io: Pick<SourceIo, "mirrorDirectory">): string {
    return this.#file.path(io, this.#ref ?? "");
  }
}
