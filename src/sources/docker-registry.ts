/** What a `docker` source asks of a registry: manifests and blobs, with the token that the registry wants. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { BstError } from "../base/errors.ts";
import { digestOf } from "../cas/digest.ts";
import { httpDispatcher } from "./download.ts";
import type { Netrc } from "./netrc.ts";

export interface Manifest {
  readonly text: string;
  /** `sha256:…` of the text. */
  readonly digest: string;
  readonly layers: readonly Layer[];
}

export interface Layer {
  readonly digest: string;
  readonly mediaType: string;
}

const LISTS = ["application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"];
const MANIFESTS = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
];
const MAX_REDIRECTS = 10;
const MAX_MANIFEST = 1 << 24;

type Response = Dispatcher.ResponseData;

export class DockerRegistry {
  readonly #endpoint: string;
  readonly #image: string;
  readonly #netrc: Netrc;
  readonly #signal: AbortSignal;
  #token: string | undefined;

  constructor(endpoint: string, image: string, netrc: Netrc, signal: AbortSignal) {
    this.#endpoint = endpoint.replace(/\/+$/, "");
    this.#image = image.replace(/^\/+|\/+$/g, "");
    this.#netrc = netrc;
    this.#signal = signal;
  }

  /**
   * The manifest of a tag or digest; where there is one for each platform that of an architecture.
   * @throws BstError domain source
   */
  async manifest(reference: string, architecture: string): Promise<Manifest> {
    const path = `manifests/${encodeURIComponent(reference)}`;
    const response = await this.#get(path, [...MANIFESTS, ...LISTS].join(","));
    const text = await limitedText(response);
    const digest = ociDigest(text);
    const claimed = reference.startsWith("sha256:") ? reference : response.headers["docker-content-digest"];
    if (claimed !== undefined && claimed !== digest) {
      throw problem(`The registry has a manifest of another digest than ${claimed}`, text);
    }
    const parsed = parseManifest(text);
    const type = parsed["mediaType"] ?? String(response.headers["content-type"]).split(";")[0];
    if (LISTS.includes(String(type))) {
      return this.manifest(platformDigest(parsed, architecture, text), architecture);
    }
    if (!MANIFESTS.includes(String(type))) throw problem(`Manifests of type ${type} are not known`, text);
    return { text, digest, layers: layersOf(text) };
  }

  /** Writes a blob to a file. @throws BstError domain source, if it has another digest */
  async blob(digest: string, target: string): Promise<void> {
    const response = await this.#get(`blobs/${encodeURIComponent(digest)}`, "*/*");
    const hash = createHash("sha256");
    try {
      await pipeline(
        response.body,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(target),
        { signal: this.#signal },
      );
    } catch (error) {
      throw this.#unreachable(error);
    }
    const found = `sha256:${hash.digest("hex")}`;
    if (found !== digest)
      throw new BstError("source", `The registry has a blob of digest ${found} where ${digest} should be`);
  }

  async #get(path: string, accept: string): Promise<Response> {
    const url = new URL(`${this.#endpoint}/v2/${this.#image}/${path}`);
    let response = await this.#send(url, accept);
    if (response.statusCode === 401) {
      const challenge = String(response.headers["www-authenticate"] ?? "");
      await response.body.dump();
      this.#token = await this.#requestToken(challenge);
      response = await this.#send(url, accept);
    }
    if (response.statusCode === 200) return response;
    await response.body.dump();
    throw new BstError("source", `The registry answered ${response.statusCode} for ${url}`, {
      temporary: response.statusCode >= 500,
    });
  }

  async #send(start: URL, accept: string): Promise<Response> {
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      // The token is for the registry alone.
      const isOwn = url.origin === start.origin;
      const authorization = isOwn && this.#token !== undefined ? { authorization: `Bearer ${this.#token}` } : {};
      const response = await this.#request(url, { accept, ...authorization });
      const { location } = response.headers;
      if (response.statusCode < 300 || response.statusCode >= 400 || location === undefined) return response;
      await response.body.dump();
      url = new URL(String(location), url);
    }
    throw new BstError("source", "The registry leads from one URL to another without end");
  }

  async #request(url: URL, headers: Record<string, string>): Promise<Response> {
    try {
      const { request } = await import("undici");
      const dispatcher = await httpDispatcher();
      return await request(url, { dispatcher, signal: this.#signal, headers: { "user-agent": "bst-ts", ...headers } });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #requestToken(challenge: string): Promise<string> {
    const facts = new Map(
      [...challenge.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
    );
    const realm = facts.get("realm");
    if (!challenge.startsWith("Bearer ") || realm === undefined) {
      throw new BstError("source", "The registry wants to know who asks in a way that is not known", {
        detail: challenge,
      });
    }
    const url = new URL(realm);
    for (const key of ["service", "scope"]) if (facts.has(key)) url.searchParams.set(key, facts.get(key) ?? "");
    const known = this.#netrc.find(url.hostname);
    const secret = known && `Basic ${Buffer.from(`${known.login}:${known.password}`).toString("base64")}`;
    const response = await this.#request(url, secret === undefined ? {} : { authorization: secret });
    const text = await limitedText(response);
    const answer = response.statusCode === 200 ? parseManifest(text) : {};
    const token = answer["token"] ?? answer["access_token"];
    if (typeof token === "string") return token;
    throw new BstError("source", `The registry gives no token: its server answered ${response.statusCode}`);
  }

  #unreachable(error: unknown): BstError {
    this.#signal.throwIfAborted();
    const reason = error instanceof Error ? error.message || String(error.cause ?? error.name) : String(error);
    return new BstError("source", `The registry ${this.#endpoint} can't be asked: ${reason}`, {
      cause: error,
      temporary: true,
    });
  }
}

/** @throws BstError domain source */
export function layersOf(manifest: string): Layer[] {
  const { layers } = parseManifest(manifest);
  if (!Array.isArray(layers)) throw problem("The manifest has no layers", manifest);
  return layers.map((layer: unknown) => {
    const { digest, mediaType } = isRecord(layer) ? layer : {};
    // It becomes a part of paths.
    if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw problem("The manifest has a layer without a digest", manifest);
    }
    return { digest, mediaType: String(mediaType) };
  });
}

export function ociDigest(text: string | Uint8Array): string {
  return `sha256:${digestOf(text).hash}`;
}

function platformDigest({ manifests }: Record<string, unknown>, architecture: string, text: string): string {
  for (const entry of Array.isArray(manifests) ? manifests : []) {
    const { platform, digest } = isRecord(entry) ? entry : {};
    if (
      isRecord(platform) &&
      platform["architecture"] === architecture &&
      platform["os"] &&
      typeof digest === "string"
    ) {
      return digest;
    }
  }
  throw problem(`There is no image for the architecture ${architecture}`, text);
}

function parseManifest(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw problem("The registry's answer is no JSON", text);
  }
  if (!isRecord(parsed)) throw problem("The registry's answer is no dictionary", text);
  if (parsed["schemaVersion"] === 1) throw problem("Manifests of schema version 1 are not known", text);
  return parsed;
}

async function limitedText({ body }: Response): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MANIFEST) throw new BstError("source", "The registry's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function problem(message: string, detail: string): BstError {
  return new BstError("source", message, { detail });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
