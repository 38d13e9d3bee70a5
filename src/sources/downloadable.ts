/** What the kinds that download one file have in common: its URL, its SHA-256 as ref, and the mirror that keeps it. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, UrlCandidate } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { DownloadError, type Downloaded, download } from "./download.ts";
import { Netrc, NetrcError } from "./netrc.ts";
import { guessVersion, versionPattern } from "./version-guess.ts";

/** Schemas of the keys that these kinds share. */
export const downloadableProperties: { readonly [key: string]: JsonSchema } = {
  url: text,
  ref: text,
  version: text,
  "version-guess-pattern": text,
};

export abstract class DownloadableSource implements Source {
  protected readonly context: SourceContext;
  /** With its alias resolved. */
  protected readonly url: string;
  readonly #declaredUrl: string;
  readonly #version: string | undefined;
  readonly #patternText: string | undefined;
  readonly #pattern: RegExp | undefined;
  #ref: string | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    this.context = context;
    this.#declaredUrl = config.required("url", config.string("url"));
    this.#ref = config.string("ref");
    this.url = context.resolveUrl(this.#declaredUrl);
    this.#version = config.string("version");
    const pattern = config.scalar("version-guess-pattern");
    this.#patternText = pattern?.value;
    this.#pattern = pattern === undefined ? undefined : versionPattern(pattern);
  }

  get ref(): string | undefined {
    return this.#ref;
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue[] {
    // The URL as declared: which mirror serves the file, or where an alias leads, makes no other file of it.
    const key: KeyValue[] = [this.#declaredUrl, this.#ref ?? null];
    if (this.#version !== undefined) key.push(this.#version);
    else if (this.#patternText !== undefined) key.push(this.#patternText);
    return key;
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
    return this.#ref !== undefined && isFile(this.#mirrorFile(io, this.#ref));
  }

  async track(io: SourceIo): Promise<Ref> {
    const known = this.#ref;
    const found = await this.#first("track", (candidate) => this.#mirror(candidate, io, "Tracking"));
    if (known !== undefined && known !== found) {
      io.warn("Potential man-in-the-middle attack!", {
        detail: `Another file than before is now at ${this.url}\n  Current ref: ${known}\n  New ref: ${found}`,
      });
    }
    return found;
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.isCached(io)) return;
    await this.#first("fetch", async (candidate) => {
      const found = await this.#mirror(candidate, io, "Fetching");
      if (found === this.#ref) return;
      throw new BstError("source", `${this.context.provenance}: The file at ${candidate.url} is not the expected one`, {
        detail: `Its SHA-256 is ${found}, and the ref is ${this.#ref}`,
      });
    });
  }

  abstract stage(tree: Tree, io: SourceIo): Promise<void>;

  info(): readonly SourceInfo[] {
    const versionGuess = this.#version ?? guessVersion(this.#declaredUrl, this.#pattern);
    return [
      {
        url: this.url,
        medium: "remote-file",
        versionType: "sha256",
        version: this.#ref,
        ...(versionGuess === undefined ? {} : { versionGuess }),
      },
    ];
  }

  /** Path of the downloaded file. Only where the source is cached. */
  protected file(io: Pick<SourceIo, "mirrorDirectory">): string {
    return this.#mirrorFile(io, this.#ref ?? "");
  }

  /** The first candidate's result that is no error, or the last one's error. */
  async #first<T>(purpose: "fetch" | "track", attempt: (candidate: UrlCandidate) => Promise<T>): Promise<T> {
    let last: unknown = new BstError("source", `${this.context.provenance}: There is no URL to ${purpose} from`);
    for (const candidate of this.context.candidates(this.#declaredUrl, purpose)) {
      try {
        return await attempt(candidate);
      } catch (error) {
        if (!(error instanceof BstError)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Downloads into the mirror what a URL names, unless that is there. @returns its SHA-256 */
  async #mirror({ url, extra }: UrlCandidate, io: SourceIo, verb: string): Promise<string> {
    const known = this.isCached(io) ? this.#ref : undefined;
    const target = join(io.mirrorDirectory, `tmp${randomBytes(8).toString("hex")}`);
    try {
      const found = await io.activity(`${verb} ${url}`, () =>
        download({
          url,
          target,
          etag: known === undefined ? undefined : this.#readEtag(io, known),
          bearer: extra?.["http-auth"] === "bearer",
          netrc: loadNetrc(io),
          signal: io.signal,
        }),
      );
      if (found === undefined && known !== undefined) return known;
      if (found === undefined) throw new DownloadError("the server sent nothing");
      return this.#keep(io, target, found);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      throw new BstError("source", `${this.context.provenance}: Cannot download ${url}: ${error.message}`, {
        cause: error,
        temporary: true,
      });
    } finally {
      fs.rmSync(target, { force: true });
    }
  }

  #keep(io: SourceIo, downloaded: string, { sha256, etag }: Downloaded): string {
    const target = this.#mirrorFile(io, sha256);
    const directory = this.#mirrorPath(io);
    try {
      fs.mkdirSync(directory, { recursive: true });
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
      throw new BstError("source", `${this.context.provenance}: ${directory} should be a folder`, { cause: error });
    }
    fs.renameSync(downloaded, target);
    if (etag !== undefined) {
      fs.writeFileSync(downloaded, etag);
      fs.renameSync(downloaded, `${target}.etag`);
    }
    return sha256;
  }

  #readEtag(io: SourceIo, ref: string): string | undefined {
    const path = `${this.#mirrorFile(io, ref)}.etag`;
    return isFile(path) ? fs.readFileSync(path, "utf8") : undefined;
  }

  #mirrorPath(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, this.#declaredUrl.replace(/[^a-zA-Z0-9%]/gu, "_"));
  }

  #mirrorFile(io: Pick<SourceIo, "mirrorDirectory">, sha256: string): string {
    return join(this.#mirrorPath(io), sha256);
  }
}

function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function loadNetrc(io: SourceIo): Netrc {
  try {
    return Netrc.load();
  } catch (error) {
    if (!(error instanceof NetrcError)) throw error;
    io.warn(`While reading .netrc: ${error.message}`);
    return Netrc.empty;
  }
}
