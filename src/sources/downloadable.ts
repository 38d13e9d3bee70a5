/** What the kinds that download one file have in common: its URL, its SHA-256 as ref, and the mirror that keeps it. */
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, text } from "../base/schema.ts";
import type { Ref, SourceContext, SourceInfo, SourceIo } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { MirrorFile, urlDirectoryName } from "./mirror-file.ts";
import { TextRefSource } from "./text-ref-source.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

/** Schemas of the keys that these kinds share. */
export const downloadableProperties: { readonly [key: string]: JsonSchema } = {
  url: text,
  ref: text,
  ...versionProperties,
};

export abstract class DownloadableSource extends TextRefSource {
  protected readonly context: SourceContext;
  /** With its alias resolved. */
  protected readonly url: string;
  readonly #declaredUrl: string;
  readonly #guesser: VersionGuesser;
  readonly #file: MirrorFile;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.context = context;
    this.#declaredUrl = config.required("url", config.string("url"));
    this.url = context.resolveUrl(this.#declaredUrl);
    this.#guesser = new VersionGuesser(config);
    this.#file = new MirrorFile(context, this.#declaredUrl, urlDirectoryName(this.#declaredUrl));
  }

  uniqueKey(): KeyValue[] {
    // The URL as declared: which mirror serves the file, or where an alias leads, makes no other file of it.
    return [this.#declaredUrl, this.ref ?? null, ...this.#guesser.uniqueKey()];
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#file.isCached(io, this.ref);
  }

  async track(io: SourceIo): Promise<Ref> {
    const known = this.ref;
    const found = await this.#file.track(io, known);
    if (known !== undefined && known !== found) {
      io.warn("Potential man-in-the-middle attack!", {
        detail: `Another file than before is now at ${this.url}\n  Current ref: ${known}\n  New ref: ${found}`,
      });
    }
    return found;
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.ref !== undefined) await this.#file.fetch(io, this.ref);
  }

  info(): readonly SourceInfo[] {
    return [
      {
        url: this.url,
        medium: "remote-file",
        versionType: "sha256",
        version: this.ref,
        ...this.#guesser.guess(this.#declaredUrl),
      },
    ];
  }

  /** Path of the downloaded file. Only where the source is cached. */
  protected file(io: Pick<SourceIo, "mirrorDirectory">): string {
    return this.#file.path(io, this.ref ?? "");
  }
}
