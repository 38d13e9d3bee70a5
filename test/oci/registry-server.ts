/** A registry on the loopback interface, in memory, that can misbehave. */
import { createHash } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface RegistryBehaviour {
  /** `basic`, or `token` for a server of tokens of its own; default nobody is asked. */
  readonly auth?: "basic" | "token";
  /** Default `user` and `secret`. */
  readonly password?: string;
  /** Whether it takes pieces of blobs; default yes. */
  readonly pieces?: boolean;
  /** Whether it knows the Referrers API; default yes. */
  readonly referrers?: boolean;
  /** The smallest piece that it takes. */
  readonly smallest?: number;
  /** Does something else than the registry would; returns whether it did. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse, registry: TestRegistry) => boolean;
}

interface Manifest {
  readonly type: string;
  readonly bytes: Buffer;
}

export const sha256 = (bytes: Buffer | string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export class TestRegistry {
  /** Repository → digest → bytes. */
  readonly blobs = new Map<string, Map<string, Buffer>>();
  readonly manifests = new Map<string, Map<string, Manifest>>();
  readonly uploads = new Map<string, Buffer>();
  /** `METHOD path` of each, without `/v2/`. */
  readonly requests: string[] = [];
  /** What the server of tokens was asked for. */
  readonly scopes: string[][] = [];
  #url = "";
  #lastUpload = 0;
  readonly #behaviour: RegistryBehaviour;

  constructor(behaviour: RegistryBehaviour) {
    this.#behaviour = behaviour;
  }

  get url(): string {
    return this.#url;
  }

  get host(): string {
    return new URL(this.#url).host;
  }

  async listen(): Promise<void> {
    const server = http.createServer((request, response) => {
      this.requests.push(`${request.method} ${decodeURIComponent((request.url ?? "").replace("/v2/", ""))}`);
      if (this.#behaviour.intercept?.(request, response, this)) return;
      this.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Requests that begin so. */
  count(start: string): number {
    return this.requests.filter((request) => request.startsWith(start)).length;
  }

  /** The JSON of a manifest, by tag or digest. */
  manifest(repository: string, name: string) {
    const found = of(this.manifests, repository).get(name);
    return found && JSON.parse(found.bytes.toString());
  }

  addBlob(repository: string, bytes: Buffer): { readonly digest: string; readonly size: number } {
    const digest = sha256(bytes);
    of(this.blobs, repository).set(digest, bytes);
    return { digest, size: bytes.length };
  }

  addManifest(repository: string, tag: string, manifest: object, type: string): { digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = sha256(bytes);
    for (const name of [tag, digest]) of(this.manifests, repository).set(name, { type, bytes });
    return { digest, size: bytes.length };
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.#url);
    if (url.pathname === "/token") {
      this.#token(request, response, url);
      return;
    }
    if (!this.#isAllowed(request, response)) return;
    const [, repository = "", kind = "", rest = ""] =
      /^\/v2\/(.+)\/(manifests|blobs|referrers)\/(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const chunks: Buffer[] = [];
    request.on("error", () => {});
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      if (kind === "manifests") this.#manifest(request, response, repository, rest, body);
      else if (kind === "referrers") this.#referrers(response, repository, rest);
      else if (kind === "blobs" && rest.startsWith("uploads/")) this.#upload(request, response, repository, url, body);
      else if (kind === "blobs") this.#blob(request, response, repository, rest);
      else response.writeHead(url.pathname === "/v2/" ? 200 : 404).end();
    });
  }

  #manifest(request: IncomingMessage, response: ServerResponse, repository: string, name: string, body: Buffer): void {
    const known = of(this.manifests, repository);
    if (request.method === "PUT") {
      const type = String(request.headers["content-type"]);
      for (const each of [name, sha256(body)]) known.set(each, { type, bytes: body });
      const { subject } = JSON.parse(body.toString());
      const heard = subject !== undefined && this.#behaviour.referrers !== false;
      response.writeHead(201, {
        "docker-content-digest": sha256(body),
        ...(heard ? { "oci-subject": subject.digest } : {}),
      });
      response.end();
      return;
    }
    const found = known.get(name);
    if (found === undefined)
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such"}]}');
    else {
      response.writeHead(200, { "content-type": found.type, "docker-content-digest": sha256(found.bytes) });
      response.end(request.method === "HEAD" ? undefined : found.bytes);
    }
  }

  #referrers(response: ServerResponse, repository: string, digest: string): void {
    if (this.#behaviour.referrers === false) {
      response.writeHead(404).end();
      return;
    }
    const all = [...of(this.manifests, repository)].filter(([name]) => name.startsWith("sha256:"));
    const manifests = all.flatMap(([name, { type, bytes }]) => {
      const { subject, artifactType } = JSON.parse(bytes.toString());
      if (subject?.digest !== digest) return [];
      return [{ mediaType: type, digest: name, size: bytes.length, artifactType }];
    });
    const type = "application/vnd.oci.image.index.v1+json";
    response.writeHead(200, { "content-type": type });
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }));
  }

  #blob(request: IncomingMessage, response: ServerResponse, repository: string, digest: string): void {
    const found = of(this.blobs, repository).get(digest);
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${from}-${found.length - 1}/${found.length}` };
    response.writeHead(from > 0 ? 206 : 200, { "content-length": found.length - from, ...(from > 0 ? range : {}) });
    response.end(request.method === "HEAD" ? undefined : found.subarray(from));
  }

  #upload(request: IncomingMessage, response: ServerResponse, repository: string, url: URL, body: Buffer): void {
    const { method } = request;
    const digest = url.searchParams.get("digest");
    if (method === "POST") {
      const mount = url.searchParams.get("mount") ?? "";
      const bytes = of(this.blobs, url.searchParams.get("from") ?? "").get(mount);
      if (bytes !== undefined) {
        of(this.blobs, repository).set(mount, bytes);
        response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end();
        return;
      }
    }
    const id = method === "POST" ? String(++this.#lastUpload) : (url.pathname.split("/").at(-1) ?? "");
    const before = this.uploads.get(id) ?? (method === "POST" ? Buffer.alloc(0) : undefined);
    if (before === undefined) {
      response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
      return;
    }
    const [start] = (request.headers["content-range"] ?? "").split("-");
    const isPiece = method === "PATCH";
    if (isPiece && this.#behaviour.pieces === false) {
      response.writeHead(405).end();
      return;
    }
    if (isPiece && Number(start) !== before.length) {
      response.writeHead(416, { range: `0-${Math.max(0, before.length - 1)}` }).end();
      return;
    }
    const now = Buffer.concat([before, body]);
    if (method !== "GET") this.uploads.set(id, now);
    const { smallest } = this.#behaviour;
    const headers = {
      location: `/v2/${repository}/blobs/uploads/${id}?state=${now.length}`,
      range: `0-${Math.max(0, now.length - 1)}`,
      ...(smallest === undefined ? {} : { "oci-chunk-min-length": smallest }),
    };
    if (method === "DELETE") {
      this.uploads.delete(id);
      response.writeHead(204).end();
    } else if (method !== "PUT") response.writeHead(method === "GET" ? 204 : 202, headers).end();
    else if (digest !== sha256(now)) response.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID"}]}');
    else {
      of(this.blobs, repository).set(sha256(now), now);
      response.writeHead(201, { "docker-content-digest": digest }).end();
    }
  }

  #isAllowed(request: IncomingMessage, response: ServerResponse): boolean {
    const { auth, password = "secret" } = this.#behaviour;
    const wanted =
      auth === "basic"
        ? `Basic ${Buffer.from(`user:${password}`).toString("base64")}`
        : `Bearer token-${this.scopes.length}`;
    if (auth === undefined || request.headers.authorization === wanted) return true;
    const challenge = auth === "basic" ? 'Basic realm="x"' : `Bearer realm="${this.#url}/token",service="test"`;
    response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    return false;
  }

  #token(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const { password = "secret" } = this.#behaviour;
    const wanted = `Basic ${Buffer.from(`user:${password}`).toString("base64")}`;
    if (request.headers.authorization !== wanted) {
      response.writeHead(401).end();
      return;
    }
    this.scopes.push(url.searchParams.getAll("scope"));
    response.end(JSON.stringify({ token: `token-${this.scopes.length}`, expires_in: 300 }));
  }
}

function of<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = map.get(key) ?? new Map<string, T>();
  map.set(key, known);
  return known;
}

/** Serves until the test is over. */
export async function serveRegistry(behaviour: RegistryBehaviour = {}): Promise<TestRegistry> {
  const registry = new TestRegistry(behaviour);
  await registry.listen();
  return registry;
}
