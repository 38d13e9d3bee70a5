/** Requests over HTTP as registries need them: redirects that leak nothing, and trying again what may go better. */

import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { BstError } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";
import { isTransient } from "./errors.ts";
import { LONG_MS, MAX_PAUSE_MS, type PauseOptions, retryAfter, waitBefore, wordsOf } from "./pauses.ts";

type Response = Dispatcher.ResponseData;

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Its size must be in the headers where it is a stream; such a request is sent once. */
  readonly body?: Buffer | Readable | undefined;
  /** The header `authorization` for a URL; asked anew for each that a redirect leads to. */
  readonly authorization?: (url: URL) => string | undefined;
  /** Whether to send it once only. */
  readonly once?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Where it came from in the end. */
  readonly from: URL;
  header(name: string): string | undefined;
  /** All lines of a header, as far as there are any. */
  headers(name: string): readonly string[];
}

/** An answer whose body must be read or discarded. */
export interface Opened extends Omit<Answer, "body"> {
  readonly body: Response["body"];
}

export interface HttpOptions extends PauseOptions {
  /** Whether plain http, and certificates that nobody vouches for, will do for any host. */
  readonly insecure: boolean;
  /** How often a request is tried again, with growing pauses. */
  readonly retries: number;
  /** Milliseconds without a byte of an answer that has begun, after which the connection counts as lost. */
  readonly stallMs: number;
}

/** Milliseconds before an answer to what was sent begins: it may have to be looked at first. */
const TIMEOUT_MS = 600_000;
/** As many times what a connection may stall is the most that an answer takes which is no blob. */
const MAX_STALLS = 3;
const MAX_REDIRECTS = 10;
/** Bytes of an answer that is no blob. */
const MAX_ANSWER = 4 << 20;

const agents = new Map<boolean, Promise<Dispatcher>>();

function agent(insecure: boolean): Promise<Dispatcher> {
  const known = agents.get(insecure) ?? openAgent(insecure);
  agents.set(insecure, known);
  return known;
}

async function openAgent(insecure: boolean): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import("undici");
  const tls = { rejectUnauthorized: !insecure };
  const proxies = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"].filter((name) => process.env[name]);
  if (proxies.length === 0) return new Agent({ connect: tls });
  const wrong = proxies.find((name) => !URL.canParse(process.env[name] ?? ""));
  if (wrong !== undefined) {
    throw new BstError("remote", `The environment variable ${wrong} holds no URL of a proxy`, {
      reason: "registry-unreachable",
    });
  }
  return new EnvHttpProxyAgent({ connect: tls, requestTls: tls });
}

/** Whether a host is this machine: nobody listens on the way. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** The answer, whatever its status, with its whole body. @throws BstError domain remote */
export function exchange(request: HttpRequest, options: HttpOptions, limit: number = MAX_ANSWER): Promise<Answer> {
  const what = `The answer of ${request.url.host} to ${request.method} ${request.url.pathname}`;
  return send(request, options, async ({ body, ...answer }) => ({
    ...answer,
    body: await bodyOf(body, { limit, within: MAX_STALLS * options.stallMs }, what),
  }));
}

/** As {@link exchange}, with the body as it comes. */
export function open(request: HttpRequest, options: HttpOptions): Promise<Opened> {
  return send(request, options, async (opened) => opened);
}

async function send<T>(request: HttpRequest, options: HttpOptions, take: (opened: Opened) => Promise<T>): Promise<T> {
  const isReplayable = request.once !== true && (request.body === undefined || Buffer.isBuffer(request.body));
  for (let attempt = 0; ; attempt++) {
    const isLast = !isReplayable || attempt >= options.retries;
    let pause: number | undefined;
    const way = { at: request.url };
    const began = performance.now();
    try {
      const opened = await follow(request, options, way);
      pause = retryAfter(opened);
      if (isLast || !isTransient(opened.status) || (pause ?? 0) > MAX_PAUSE_MS) return await take(opened);
      await opened.body.dump();
    } catch (error) {
      if (isLast || !isLostConnection(error)) throw describe(error, way.at, options.signal, request.url);
      if (performance.now() - began >= LONG_MS) {
        options.info?.(`The registry ${request.url.host} does not answer: it is asked again`);
      }
    }
    await waitBefore(attempt, options, pause === undefined ? undefined : { ms: pause, host: request.url.host });
  }
}

/** @throws BstError where the URL may not be used */
export function requireAllowed(url: URL, insecure: boolean): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && (insecure || isLoopback(url.hostname)))) return;
  if (url.protocol !== "http:") {
    throw new BstError("remote", `A registry leads to ${url.href}, which is no address of one`, {
      reason: "registry-insecure",
    });
  }
  throw new BstError("remote", `A registry leads to ${url.origin}, which is not encrypted`, {
    reason: "registry-insecure",
    detail: "Plain http is allowed on this machine itself, and elsewhere only where --insecure is said.",
  });
}

/** @param way is told where it leads */
async function follow(
  { url: first, method, ...request }: HttpRequest,
  { signal, insecure, stallMs }: HttpOptions,
  way: { at: URL },
): Promise<Opened> {
  const { request: perform } = await import("undici");
  const isQuestion = method === "GET" || method === "HEAD";
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    way.at = url;
    requireAllowed(url, insecure);
    const authorization = request.authorization?.(url);
    const response = await perform(url, {
      method,
      dispatcher: await agent(insecure),
      signal,
      headersTimeout: isQuestion ? stallMs : TIMEOUT_MS,
      bodyTimeout: stallMs,
      headers: {
        "user-agent": `bst-ts/${VERSION}`,
        ...request.headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const { headers, body, statusCode: status } = response;
    const { location } = headers;
    // A body that is sent elsewhere would have to be sent again; no registry asks for that.
    const isRedirect = [301, 302, 303, 307, 308].includes(status) && isQuestion;
    if (!isRedirect || location === undefined) {
      const all = (name: string) => [headers[name] ?? []].flat();
      return { status, header: (name) => all(name)[0], headers: all, body, from: url };
    }
    await response.body.dump();
    url = urlOf(String(location), url);
    if (url.protocol !== "http:" && url.protocol !== "https:") requireAllowed(url, insecure);
  }
  throw new BstError("remote", `The registry ${first.host} leads from one URL to another without end`, {
    reason: "registry-failed",
  });
}

/** A URL that a server gave. @throws BstError */
export function urlOf(text: string, base: URL): URL {
  try {
    return new URL(text, base);
  } catch {
    throw new BstError("remote", `The registry at ${base.host} gives something that is no URL`, {
      reason: "registry-failed",
      detail: text.slice(0, 200),
    });
  }
}

/** Of connections that were there. */
const BROKEN: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);
const LOST =
  /^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_(?!INVALID|REQ_CONTENT|NOT_SUPPORTED))/;

/** Whether the connection failed, and not the request or its body. */
export function isLostConnection(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each.name === "AbortError") return false;
    if (each instanceof AggregateError && each.errors.some(isLostConnection)) return true;
    if ("code" in each && typeof each.code === "string" && LOST.test(each.code)) return true;
  }
  return false;
}

/** Whether nobody vouches for who answered. */
export function isCertificateError(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ("code" in each && /CERT|SIGNATURE/.test(String(each.code))) return true;
  }
  return false;
}

/**
 * What a request's failure is called. Errors of a stream that was sent are passed on.
 * @param registry which led to the URL that failed
 */
export function describe(error: unknown, url: URL, signal: AbortSignal, registry: URL = url): unknown {
  signal.throwIfAborted();
  if (!(error instanceof Error) || !("code" in error)) return error;
  const does = BROKEN.has(error.code) ? "breaks off the connection" : "cannot be reached";
  return new BstError("remote", `${serverAt(url, registry)} ${does}: ${reasonOf(error)}`, {
    reason: "registry-unreachable",
    cause: error,
    temporary: !isCertificateError(error),
    detail: isCertificateError(error)
      ? "Certificates of your own go into NODE_EXTRA_CA_CERTS; --insecure does without any."
      : undefined,
  });
}

/** Who is to blame: the registry, or where it leads to. @param name what the registry is called */
export function serverAt({ host }: URL, registry: URL, name: string = registry.host): string {
  return host === registry.host ? `The registry ${name}` : `The server ${host}, to which the registry ${name} leads,`;
}

/** Errors of a connection that was tried at several addresses have their text inside only. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(reasonOf).join("; ");
  if (!(error instanceof Error)) return String(error);
  return error.message || String("code" in error ? error.code : error.name);
}

async function bodyOf(
  body: Response["body"],
  { limit, within }: { readonly limit: number; readonly within: number },
  what: string,
): Promise<Buffer> {
  const began = performance.now();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      throw new BstError("remote", `${what} is too long: more than ${limit} bytes`, { reason: "registry-too-large" });
    }
    // Each byte is a sign of life, and yet it may never end.
    if (performance.now() - began > within) {
      throw new BstError("remote", `${what} has not ended after ${wordsOf(within)}`, {
        reason: "registry-unreachable",
        temporary: true,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
