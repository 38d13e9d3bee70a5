/** Registries that do what they should not: transfers end, well or with an error that names who is to blame. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { LAYER, MANIFEST } from "../../src/oci/media-types.ts";
import { parseChallenges } from "../../src/oci/registry/challenge.ts";
import { Repository } from "../../src/oci/registry/repository.ts";
import type { RegistryOptions } from "../../src/oci/registry/session.ts";
import { serveHttp } from "../sources/servers.ts";
import { type RegistryBehaviour, serveRegistry, sha256, type TestRegistry } from "./registry-server.ts";

const bytes = randomBytes(2_000_000);
const blob = { mediaType: LAYER, digest: sha256(bytes), size: bytes.length };

function repository({ host }: TestRegistry, extra: Partial<RegistryOptions> = {}): Repository {
  const credentials = async () => ({ kind: "password", username: "user", password: "secret" }) as const;
  const options = { credentials, signal: new AbortController().signal, pauseMs: 1, ...extra };
  return new Repository({ host, repository: "some/image" }, "push", options);
}

async function read(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* open() {
  yield bytes;
}

/** A registry that does something else where it is asked for what has a word in its URL. */
function faulty(
  word: string,
  fault: (request: IncomingMessage, response: ServerResponse, registry: TestRegistry) => unknown,
  behaviour: RegistryBehaviour = {},
): Promise<TestRegistry> {
  return serveRegistry({
    ...behaviour,
    intercept: (request, response, registry) =>
      request.url?.includes(word) === true && fault(request, response, registry) !== false,
  });
}

describe("a blob whose connection broke is had", () => {
  /** The first answer breaks off; whoever asks for the rest gets another answer. */
  const broken = async (rest: (response: ServerResponse, from: number) => void) => {
    let asked = 0;
    const registry = await faulty("/blobs/", (request, response) => {
      const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
      if (asked++ === 0) {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 500_000), () => response.destroy());
      } else if (from === undefined) return false;
      else rest(response, Number(from));
      return true;
    });
    registry.addBlob("some/image", bytes);
    return registry;
  };

  test.each<[string, (response: ServerResponse, from: number) => void]>([
    ["refuses to give the rest", (response) => response.writeHead(416).end()],
    [
      "gives all of it for the rest",
      (response) => response.writeHead(206, { "content-range": `bytes 0-${bytes.length - 1}/*` }).end(bytes),
    ],
    [
      "gives more than the rest",
      (response, from) =>
        response.writeHead(206, { "content-range": `bytes ${from - 7}-1999999/*` }).end(bytes.subarray(from - 7)),
    ],
    [
      "gives less than the rest",
      (response, from) =>
        response.writeHead(206, { "content-range": `bytes ${from + 7}-1999999/*` }).end(bytes.subarray(from + 7)),
    ],
    ["gives nothing for the rest", (response) => response.writeHead(206, { "content-length": 0 }).end()],
  ])("from a registry that %s", async (_, rest) => {
    const registry = await broken(rest);
    expect((await read(repository(registry).blob(blob))).equals(bytes)).toBe(true);
    expect(registry.count("GET some/image/blobs")).toBeLessThan(5);
  });
});

describe("manifests", () => {
  test("are asked for again where the registry says nothing, which is told", async () => {
    const registry = await faulty("/manifests/", () => true);
    const attempt = repository(registry, { stallMs: 50, retries: 2 }).manifest("x");
    await expect(attempt).rejects.toMatchObject({ reason: "registry-unreachable", temporary: true });
    expect(registry.count("GET some/image/manifests")).toBe(3);
  });

  test("are given up where they come byte by byte", async () => {
    const registry = await faulty("/manifests/", (_, response) => {
      response.writeHead(200, { "content-type": MANIFEST });
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    const attempt = repository(registry, { stallMs: 100, retries: 0 }).manifest("x");
    await expect(attempt).rejects.toThrow(
      `The answer of ${registry.host} to GET /v2/some/image/manifests/x has not ended after 1 second`,
    );
  });

  test("that break off are said to", async () => {
    const registry = await faulty("/manifests/", (_, response) => {
      response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy());
    });
    const attempt = repository(registry, { retries: 0 }).manifest("x");
    await expect(attempt).rejects.toThrow(`The registry ${registry.host} breaks off the connection`);
  });

  test("of another digest are told with registry, repository and tag", async () => {
    const registry = await faulty("/manifests/", (_, response) => {
      response.writeHead(200, { "content-type": MANIFEST, "docker-content-digest": sha256("x") }).end("{}");
    });
    await expect(repository(registry).manifest("x")).rejects.toThrow(`${registry.host}/some/image:x has a manifest`);
  });
});

describe("where a registry leads to", () => {
  test("is to blame for what is not there", async () => {
    const { url: elsewhere } = await serveHttp((_, response) => response.writeHead(404).end());
    const registry = await faulty("/blobs/", (_, response) => {
      response.writeHead(307, { location: `${elsewhere}/blob` }).end();
    });
    await expect(read(repository(registry).blob(blob))).rejects.toThrow(
      `The server ${new URL(elsewhere).host}, to which the registry ${registry.host} leads, has no such thing`,
    );
  });

  test("is to blame where nobody is", async () => {
    const registry = await faulty("/blobs/", (_, response) => {
      response.writeHead(307, { location: "http://127.0.0.1:9/blob" }).end();
    });
    await expect(read(repository(registry, { retries: 0 }).blob(blob))).rejects.toThrow(
      `The server 127.0.0.1:9, to which the registry ${registry.host} leads, cannot be reached`,
    );
  });
});

describe("ways to say who asks", () => {
  test.each([
    ["in lines of their own", ["Negotiate", 'Basic realm="x"']],
    ["in one line", ['Negotiate, Basic realm="x"']],
    ["with a token", ['Negotiate oYG/+a==, Basic realm="x"']],
    ["the other way round", ['Basic realm="x", Negotiate']],
  ])("that are not known don't keep it from those that are: %s", async (_, ways) => {
    const registry = await faulty("", ({ headers }, response) => {
      if (headers.authorization !== undefined) return false;
      response.writeHead(401, { "www-authenticate": ways }).end();
      return true;
    });
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "registry-not-found" });
    expect(parseChallenges(ways).map(({ scheme }) => scheme)).toContain("basic");
  });

  test.each([
    ["Negotiate, Digest realm=x", "Its ways are: negotiate, digest."],
    ["", "It does not say in which."],
  ])("are told where none is known: '%s'", async (header, detail) => {
    const registry = await faulty("", (_, response) => {
      response.writeHead(401, header === "" ? {} : { "www-authenticate": header }).end();
    });
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "registry-denied", detail });
  });
});

describe("an upload in pieces", () => {
  test("ends where the registry never takes the last bytes of one", async () => {
    const registry = await faulty("/uploads/", ({ method, url }, response, { uploads }) => {
      if (method !== "PATCH" && method !== "GET") return false;
      const id = new URL(url ?? "", "http://x").pathname.split("/").at(-1) ?? "";
      uploads.set(id, bytes.subarray(0, 499_000));
      response.writeHead(method === "GET" ? 204 : 202, { location: url, range: "0-498999" }).end();
      return true;
    });
    expect(await repository(registry).upload(blob, open, { chunkSize: 500_000 })).toBe("uploaded");
    expect(registry.count("PATCH")).toBeLessThan(20);
  });

  test("says what to do where pieces are too large", async () => {
    const registry = await faulty("/uploads/", ({ method }, response) => {
      if (method !== "PATCH") return false;
      response.writeHead(413).end();
      return true;
    });
    await expect(repository(registry).upload(blob, open, { chunkSize: 500_000 })).rejects.toMatchObject({
      message: expect.stringContaining("does not take so much at once"),
      detail: expect.stringContaining("--chunk-size"),
    });
  });
});

test("a proxy that is none is told by its variable", async () => {
  const registry = await serveRegistry();
  vi.stubEnv("HTTPS_PROXY", "no url");
  onTestFinished(() => void vi.unstubAllEnvs());
  // Whether certificates count decides which connections are shared: these are nobody else's.
  const attempt = repository(registry, { insecure: true }).manifest("x");
  await expect(attempt).rejects.toThrow("The environment variable HTTPS_PROXY holds no URL of a proxy");
});
