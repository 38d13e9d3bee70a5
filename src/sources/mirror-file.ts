/** A file in a kind's mirror: downloaded from the first of a URL's candidates that has it, and named by its SHA-256. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { SourceContext, SourceIo, UrlCandidate } from "../project/source-kind.ts";
import { DownloadError, type Downloaded, download } from "./download.ts";
import { Netrc, NetrcError } from "./netrc.ts";

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

/** What BuildStream calls the folder that it keeps the files of a URL, or another text, in. */
export function urlDirectoryName(url: string): string {
  return url.replace(/[^a-zA-Z0-9%]/gu, "_");
}

/** The first candidate's result that is no error, or the last one's error, which then tells of the others. */
export async function firstCandidate<T>(
  context: SourceContext,
  declaredUrl: string,
  purpose: "fetch" | "track",
  attempt: (candidate: UrlCandidate) => Promise<T>,
): Promise<T> {
  const failures: BstError[] = [];
  for (const candidate of context.candidates(declaredUrl, purpose)) {
    try {
      return await attempt(candidate);
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
      failures.push(error);
    }
  }
  const last = failures.pop();
  if (last === undefined) throw new BstError("source", `${context.provenance}: There is no URL to ${purpose} from`);
  if (failures.length === 0) throw last;
  const before = failures.map(({ message, detail }) => (detail === undefined ? message : `${message}\n${detail}`));
  throw new BstError(last.domain, last.message, {
    reason: last.reason,
    detail: [...(last.detail === undefined ? [] : [last.detail]), "Tried before:", ...before].join("\n\n"),
    temporary: last.temporary,
    cause: last,
  });
}

export class MirrorFile {
  readonly #context: SourceContext;
  readonly #url: string;
  readonly #directory: string;

  /**
   * @param url as declared, with its alias
   * @param directory of the file, below that of the kind
   */
  constructor(context: SourceContext, url: string, directory: string) {
    this.#context = context;
    this.#url = url;
    this.#directory = directory;
  }

  path(io: MirrorIo, sha256: string): string {
    return join(io.mirrorDirectory, this.#directory, sha256);
  }

  isCached(io: MirrorIo, sha256: string | undefined): boolean {
    return sha256 !== undefined && isFile(this.path(io, sha256));
  }

  /** @throws BstError domain source */
  async fetch(io: SourceIo, sha256: string): Promise<void> {
    if (this.isCached(io, sha256)) return;
    await firstCandidate(this.#context, this.#url, "fetch", async (candidate) => {
      const found = await this.#download(candidate, io, "Fetching", undefined);
      if (found === sha256) return;
      const { provenance } = this.#context;
      throw new BstError("source", `${provenance}: The file at ${candidate.url} is not the expected one`, {
        detail: `Its SHA-256 is ${found}, and the ref is ${sha256}`,
      });
    });
  }

  /**
   * Downloads what is there now, unless that is `known`.
   * @returns its SHA-256
   * @throws BstError domain source
   */
  async track(io: SourceIo, known?: string): Promise<string> {
    const kept = this.isCached(io, known) ? known : undefined;
    return firstCandidate(this.#context, this.#url, "track", (candidate) =>
      this.#download(candidate, io, "Tracking", kept),
    );
  }

  async #download(candidate: UrlCandidate, io: SourceIo, verb: string, kept: string | undefined): Promise<string> {
    const etag = kept === undefined ? undefined : this.#readEtag(io, kept);
    const options = { etag, verb };
    return downloaded(this.#context, io, candidate, options, (target, found) => {
      if (found !== undefined) return this.#keep(io, target, found);
      if (kept !== undefined) return kept;
      throw new DownloadError("the server sent nothing");
    });
  }

  #keep(io: SourceIo, downloaded: string, { sha256, etag }: Downloaded): string {
    const target = this.path(io, sha256);
    const directory = join(io.mirrorDirectory, this.#directory);
    try {
      fs.mkdirSync(directory, { recursive: true });
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
      throw new BstError("source", `${this.#context.provenance}: ${directory} should be a folder`, { cause: error });
    }
    fs.renameSync(downloaded, target);
    if (etag !== undefined) {
      fs.writeFileSync(downloaded, etag);
      fs.renameSync(downloaded, `${target}.etag`);
    }
    return sha256;
  }

  #readEtag(io: MirrorIo, sha256: string): string | undefined {
    const path = `${this.path(io, sha256)}.etag`;
    return isFile(path) ? fs.readFileSync(path, "utf8") : undefined;
  }
}

/**
 * What is at a URL, for lists and the like that are not kept.
 * @throws BstError domain source
 */
export async function readUrl(
  context: SourceContext,
  io: SourceIo,
  candidate: UrlCandidate,
  accept?: string,
): Promise<Buffer> {
  const options = { verb: "Reading", ...(accept !== undefined && { accept }) };
  return downloaded(context, io, candidate, options, (target) => fs.readFileSync(target));
}

/** Downloads to a temporary file, for as long as `use` needs it. */
async function downloaded<T>(
  { provenance }: SourceContext,
  io: SourceIo,
  { url, extra }: UrlCandidate,
  { verb, ...options }: { readonly verb: string; readonly etag?: string | undefined; readonly accept?: string },
  use: (target: string, found: Downloaded | undefined) => T,
): Promise<T> {
  const target = join(io.mirrorDirectory, `tmp${randomBytes(8).toString("hex")}`);
  const bearer = extra?.["http-auth"] === "bearer";
  try {
    const found = await io.activity(`${verb} ${url}`, () =>
      download({ url, target, bearer, netrc: loadNetrc(io), signal: io.signal, ...options }),
    );
    return use(target, found);
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new BstError("source", `${provenance}: Cannot download ${url}: ${error.message}`, {
      cause: error,
      temporary: true,
    });
  } finally {
    fs.rmSync(target, { force: true });
  }
}

function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** What the user has written down of passwords; nothing, with a warning, where that cannot be read. */
export function loadNetrc(io: SourceIo): Netrc {
  try {
    return Netrc.load();
  } catch (error) {
    if (!(error instanceof NetrcError)) throw error;
    io.warn(`While reading .netrc: ${error.message}`);
    return Netrc.empty;
  }
}
