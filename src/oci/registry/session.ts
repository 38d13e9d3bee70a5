/** A repository of a registry over HTTP: where it is, and who asks. */
import { BstError } from "../../base/errors.ts";

import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials, FindCredentials, Purpose } from "./credentials.ts";
import { statusError } from "./errors.ts";
import {
  type Answer,
  exchange,
  type HttpOptions,
  type HttpRequest,
  isCertificateError,
  isLoopback,
  type Opened,
  open,
  serverAt,
  urlOf,
} from "./http.ts";
import { retryAfter } from "./pauses.ts";
import { DOCKER_HUB } from "./reference.ts";
import { requestToken } from "./token.ts";

export interface RegistryOptions {
  readonly credentials: FindCredentials;
  readonly signal: AbortSignal;
  /** Whether to make do with plain http, or certificates that nobody vouches for; default no. */
  readonly insecure?: boolean;
  /** How often requests are tried again; default 4. */
  readonly retries?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 250. */
  readonly pauseMs?: number;
  /** Milliseconds after which a registry that sends nothing more of an answer is asked for the rest; default 60,000. */
  readonly stallMs?: number;
  /** Is told where it has to wait for long. */
  readonly info?: (text: string) => void;
}

type Ask = Omit<HttpRequest, "url" | "authorization"> & {
  /** Below the repository, or a URL that the registry gave. */
  readonly at: string | URL;
  /** What is expected; everything else is an error. */
  readonly ok: readonly number[];
};

/** A token for a scope, as long as the server says. */
interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Characters of an answer that is an error. */
const SHOWN = 1 << 16;
const HUB_SERVER = "registry-1.docker.io";

export class RegistrySession {
  readonly host: string;
  readonly repository: string;
  readonly http: HttpOptions;
  readonly #find: FindCredentials;
  readonly #scopes: Set<string>;
  readonly #given: URL | undefined;
  /** Whether it was shown credentials. */
  #isKnown = false;
  #base: Promise<URL> | undefined;
  #authorization: { readonly header: string; readonly expires: number } | undefined;
  #authorizing: Promise<void> | undefined;

  /**
   * @param host as references have it, or a URL that says how to reach it
   */
  constructor(host: string, repository: string, purpose: Purpose, options: RegistryOptions) {
    const { signal, insecure = false, retries = 4, pauseMs = 250, stallMs = 60_000, info } = options;
    this.#given = /^https?:\/\//.test(host) ? new URL(host.replace(/\/*$/, "/")) : undefined;
    this.host = this.#given?.host ?? host;
    this.repository = repository;
    // Whoever writes down http means it.
    this.http = { signal, insecure: insecure || this.#given?.protocol === "http:", retries, pauseMs, stallMs, info };
    this.#find = async (query) => {
      const found = await options.credentials(query);
      this.#isKnown = found !== undefined;
      return found;
    };
    this.#scopes = new Set([`repository:${repository}:${purpose === "push" ? "pull,push" : "pull"}`]);
  }

  /** Asks for leave to read another repository of the registry as well, to take blobs from there. */
  alsoPull(repository: string): void {
    const scope = `repository:${repository}:pull`;
    if (repository === this.repository || this.#scopes.has(scope)) return;
    this.#scopes.add(scope);
    this.#authorization = undefined;
  }

  pullNoMore(repository: string): void {
    if (this.#scopes.delete(`repository:${repository}:pull`)) this.#authorization = undefined;
  }

  /** @throws BstError domain remote, also for a status that is not expected */
  async ask(ask: Ask, limit?: number): Promise<Answer> {
    const { at, ok, ...request } = ask;
    const isReplayable = request.body === undefined || Buffer.isBuffer(request.body);
    const answer = await this.#authorized(at, isReplayable, (url, authorization) =>
      exchange({ ...request, url, authorization }, this.http, limit),
    );
    if (ok.includes(answer.status)) return answer;
    throw await this.#unexpected(ask, answer, answer.body.toString("utf8"));
  }

  /** As {@link ask}, with the body as a stream. */
  async open(ask: Ask): Promise<Opened> {
    const { at, ok, ...request } = ask;
    const opened = await this.#authorized(
      at,
      true,
      (url, authorization) => open({ ...request, url, authorization }, this.http),
      ({ body }) => body.dump(),
    );
    if (ok.includes(opened.status)) return opened;
    throw await this.#unexpected(ask, opened, await beginningOf(opened.body));
  }

  async #unexpected(ask: Ask, answer: Omit<Answer, "body">, body: string): Promise<BstError> {
    return statusError(serverAt(answer.from, await this.base(), this.host), describe(ask), answer.status, {
      body,
      isKnown: this.#isKnown,
      waitMs: retryAfter(answer),
    });
  }

  /** Sends a request, and once more with what the registry wants to see. */
  async #authorized<T extends Omit<Answer, "body">>(
    at: string | URL,
    isReplayable: boolean,
    perform: (url: URL, authorization: (url: URL) => string | undefined) => Promise<T>,
    discard?: (first: T) => Promise<void>,
  ): Promise<T> {
    const base = await this.base();
    const url = typeof at === "string" ? new URL(`v2/${this.repository}/${at}`, base) : at;
    if (this.#authorization !== undefined && this.#authorization.expires < Date.now()) this.#authorization = undefined;
    const shown = this.#authorization?.header;
    // Secrets are for the registry alone, wherever it leads.
    const first = await perform(url, (target) => (target.origin === base.origin ? shown : undefined));
    // What it was led to has no say in who asks.
    if (first.status !== 401 || first.from.origin !== base.origin || !isReplayable) return first;
    // Meanwhile another request may have been through this.
    if (this.#authorization?.header === shown) {
      this.#authorizing ??= this.#authorize(base, parseChallenges(first.headers("www-authenticate"))).finally(() => {
        this.#authorizing = undefined;
      });
      await this.#authorizing;
    }
    const now = this.#authorization?.header;
    if (now === undefined || now === shown) return first;
    await discard?.(first);
    return perform(url, (target) => (target.origin === base.origin ? now : undefined));
  }

  async #authorize(base: URL, challenges: readonly Challenge[]): Promise<void> {
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const realm = bearer?.parameters.get("realm");
    if (bearer !== undefined && realm !== undefined) {
      const { value, expires } = await this.#token(realm, bearer, base);
      this.#authorization = { header: `Bearer ${value}`, expires };
      return;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) {
      const ways = challenges.map(({ scheme }) => scheme).join(", ");
      throw new BstError("remote", `The registry ${this.host} wants to know who asks in a way that is not known`, {
        reason: "registry-denied",
        detail: ways === "" ? "It does not say in which." : `Its ways are: ${ways}.`,
      });
    }
    const known = await this.#find({ host: this.host, repository: this.repository, server: base.hostname });
    if (known === undefined) return;
    this.#authorization = { header: direct(known), expires: Number.POSITIVE_INFINITY };
  }

  async #token(realm: string, { parameters }: Challenge, base: URL): Promise<Token> {
    const server = urlOf(realm, base);
    const known = await this.#find({ host: this.host, repository: this.repository, server: server.hostname });
    if (known?.kind === "bearer") return { value: known.token, expires: Number.POSITIVE_INFINITY };
    // What is said of other repositories is not ours to ask: the token will go to this registry.
    const wanted = (parameters.get("scope") ?? "").split(" ").filter((scope) => this.#isOwn(scope));
    const scopes = new Set([...wanted, ...this.#scopes]);
    return requestToken({ realm: server, service: parameters.get("service"), scopes: [...scopes], known }, this.http);
  }

  #isOwn(scope: string): boolean {
    return scope !== "" && (!scope.startsWith("repository:") || scope.startsWith(`repository:${this.repository}:`));
  }

  /** Where the registry is. */
  base(): Promise<URL> {
    this.#base ??= this.#findBase();
    return this.#base;
  }

  /** Plain http is tried where it is allowed and nobody speaks TLS. */
  async #findBase(): Promise<URL> {
    if (this.#given !== undefined) return this.#given;
    const secure = new URL(`https://${this.host === DOCKER_HUB ? HUB_SERVER : this.host}/`);
    if (!this.http.insecure && !isLoopback(secure.hostname)) return secure;
    try {
      await exchange({ method: "GET", url: new URL("v2/", secure), once: true }, this.http);
      return secure;
    } catch (error) {
      this.http.signal.throwIfAborted();
      // Somebody speaks TLS, and is not known: the next request says so.
      if (isCertificateError(error)) return secure;
      return new URL(secure.href.replace("https:", "http:"));
    }
  }
}

/** As much of an answer as is shown. */
async function beginningOf(body: Opened["body"]): Promise<string> {
  let text = "";
  for await (const chunk of body) {
    text += chunk;
    if (text.length > SHOWN) break;
  }
  return text.slice(0, SHOWN);
}

function direct(known: Credentials): string {
  if (known.kind !== "password") return `Bearer ${known.token}`;
  return `Basic ${Buffer.from(`${known.username}:${known.password}`).toString("base64")}`;
}

function describe({ method, at }: Ask): string {
  return `${method} ${typeof at === "string" ? at : at.pathname}`;
}
