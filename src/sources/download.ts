/** Downloads one file by http, https, ftp or file, with its SHA-256 on the way. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import type { Dispatcher } from "undici";
import { ftpRead } from "./ftp.ts";
import type { Netrc } from "./netrc.ts";

export interface DownloadRequest {
  readonly url: string;
  /** Path to write to. */
  readonly target: string;
  /** Of the copy that is here already: the file is then only sent if it has another. */
  readonly etag?: string | undefined;
  /** The media type to ask for; default any. */
  readonly accept?: string;
  /** Whether the password of the host is sent as a bearer token. */
  readonly bearer?: boolean;
  readonly netrc: Netrc;
  readonly signal: AbortSignal;
}

export interface Downloaded {
  readonly sha256: string;
  readonly etag: string | undefined;
}

/** What went wrong on the way, which may go well another time. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const TIMEOUT_MS = 600_000;
const MAX_REDIRECTS = 10;

/** Returns undefined if the file is still the one that `etag` names. Throws {@link DownloadError}. */
export async function download(request: DownloadRequest): Promise<Downloaded | undefined> {
  const url = parseUrl(request.url);
  try {
    if (url.protocol === "file:") return await save(fs.createReadStream(filePath(url)), request.target);
    if (url.protocol === "ftp:") return await save(ftpRead(url, request.netrc, request.signal), request.target);
    if (url.protocol === "http:" || url.protocol === "https:") return await httpDownload(url, request);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof DownloadError) throw error;
    throw new DownloadError(describe(error), { cause: error });
  }
  throw new DownloadError(`URLs of kind '${url.protocol}' can't be downloaded`);
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new DownloadError("this is no valid URL");
  }
}

function filePath(url: URL): string {
  if (url.host !== "" && url.host !== "localhost") throw new DownloadError("file URLs can't name another host");
  // A file's name can have a question mark, and a file is not asked anything.
  return decodeURIComponent(url.pathname + url.search);
}

/** Errors of a connection that was tried at several addresses have their text inside only. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(describe).join("; ");
  return error instanceof Error ? error.message : String(error);
}

async function save(source: AsyncIterable<Uint8Array>, target: string, etag?: string): Promise<Downloaded> {
  const hash = createHash("sha256");
  const file = fs.openSync(target, "w");
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      for (let written = 0; written < chunk.length; ) written += fs.writeSync(file, chunk, written);
    }
  } finally {
    fs.closeSync(file);
  }
  return { sha256: hash.digest("hex"), etag };
}

let sharedDispatcher: Promise<Dispatcher> | undefined;

/** One for the process, as it keeps connections. It tries again, and continues a file that broke off. */
function httpDispatcher(): Promise<Dispatcher> {
  sharedDispatcher ??= dispatcher();
  return sharedDispatcher;
}

async function dispatcher(): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, RetryAgent } = await import("undici");
  const limits = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  const proxied = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"].some((name) => process.env[name]);
  return new RetryAgent(proxied ? new EnvHttpProxyAgent(limits) : new Agent(limits), {
    maxRetries: 2,
    minTimeout: 250,
  });
}

async function httpDownload(start: URL, request: DownloadRequest): Promise<Downloaded | undefined> {
  const { netrc, signal, target, etag } = request;
  const agent = await httpDispatcher();
  const { request: send } = await import("undici");
  let authorization = request.bearer ? bearer(netrc, start.hostname) : basic(start.username, start.password);
  let url = start;
  let asked = false;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; ) {
    const response = await send(plainUrl(url), {
      dispatcher: agent,
      signal,
      headers: {
        accept: request.accept ?? "*/*",
        "user-agent": "bst-ts",
        ...(etag === undefined ? {} : { "if-none-match": etag }),
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    const { statusCode, headers, body } = response;
    if (statusCode === 200) {
      const newTag = headerText(headers, "etag");
      if (etag === undefined || newTag !== etag) return await saveWhole(body, headers, target, newTag);
      await body.dump();
      return undefined;
    }
    await body.dump();
    if (statusCode === 304) return undefined;
    const location = headerText(headers, "location");
    if (statusCode === 401 && authorization === undefined && !asked) {
      asked = true;
      const known = netrc.find(url.hostname);
      authorization = known === undefined ? undefined : basic(known.login, known.password);
      if (authorization !== undefined) continue;
    }
    if (statusCode < 300 || statusCode >= 400 || location === undefined) {
      throw new DownloadError(`the server answered ${statusCode}`);
    }
    redirects++;
    const next = new URL(location, url);
    if (next.protocol !== "http:" && next.protocol !== "https:") {
      throw new DownloadError(`the server leads to a URL of kind '${next.protocol}'`);
    }
    // Secrets are for the host that they were meant for.
    if (next.origin !== url.origin) {
      authorization = undefined;
      asked = request.bearer ?? false;
    }
    url = next;
  }
  throw new DownloadError("the server leads from one URL to another without end");
}

/** `save`, but a file that is shorter than the server said is an error. */
async function saveWhole(
  body: AsyncIterable<Uint8Array>,
  headers: Headers,
  target: string,
  etag: string | undefined,
): Promise<Downloaded> {
  const saved = await save(body, target, etag);
  const expected = headerText(headers, "content-length");
  const { size } = fs.statSync(target);
  if (expected !== undefined && size < Number(expected)) {
    throw new DownloadError(`only ${size} of ${expected} bytes arrived`);
  }
  return saved;
}

function headerText(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function plainUrl(url: URL): URL {
  const plain = new URL(url);
  plain.username = plain.password = plain.hash = "";
  return plain;
}

function basic(login: string, password: string): string | undefined {
  if (login === "" && password === "") return undefined;
  const text = `${decodeURIComponent(login)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

function bearer(netrc: Netrc, host: string): string | undefined {
  const known = netrc.find(host);
  return known === undefined ? undefined : `Bearer ${known.password}`;
}
