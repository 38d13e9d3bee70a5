import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { INDEX, LAYER, MANIFEST } from "../../src/oci/media-types.ts";
import { BegunUploads } from "../../src/oci/registry/begun-uploads.ts";
import { parseChallenges } from "../../src/oci/registry/challenge.ts";
import type { Credentials, Purpose } from "../../src/oci/registry/credentials.ts";
import { formatReference, parseReference } from "../../src/oci/registry/reference.ts";
import { Repository } from "../../src/oci/registry/repository.ts";
import type { RegistryOptions } from "../../src/oci/registry/session.ts";
import { tempDir } from "../helpers.ts";
import { serveHttp } from "../sources/servers.ts";
import { type RegistryBehaviour, serveRegistry, sha256, type TestRegistry } from "./registry-server.ts";

const user: Credentials = { kind: "password", username: "user", password: "secret" };

function options(extra: Partial<RegistryOptions> = {}): RegistryOptions {
  return { credentials: async () => user, signal: new AbortController().signal, pauseMs: 1, ...extra };
}

function repository(
  registry: TestRegistry,
  purpose: Purpose = "push",
  extra: Partial<RegistryOptions> = {},
): Repository {
  return new Repository({ host: registry.host, repository: "some/image" }, purpose, options(extra));
}

function blobOf(bytes: Buffer): Descriptor {
  return { mediaType: LAYER, digest: sha256(bytes), size: bytes.length };
}

/** In pieces that have nothing to do with those that are sent. */
const pieces = (bytes: Buffer) =>
  async function* () {
    for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
  };

async function read(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("names of images", () => {
  test.each([
    ["debian", "docker.io/library/debian"],
    ["debian:12", "docker.io/library/debian:12"],
    ["some/app", "docker.io/some/app"],
    ["index.docker.io/some/app:1", "docker.io/some/app:1"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app:x", "localhost:5000/app:x"],
    ["[::1]:5000/a/b/c", "[::1]:5000/a/b/c"],
    [`ghcr.io/a/b:1@sha256:${"0".repeat(64)}`, `ghcr.io/a/b:1@sha256:${"0".repeat(64)}`],
  ])("%s is %s", (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
  });

  test.each([
    ...["", "UPPER", "a//b", "a:", "a@sha256:1", "host.example/a b", "host.example/../x", "x.y/", "-a/b"],
    ...["localhost:99999/a", "[::::1]/a", "1.2.3.999/a"],
  ])("%j is none", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ reason: "invalid-image-reference" }));
  });

  test("challenges are told apart", () => {
    const [bearer, basic] = parseChallenges([
      'Bearer realm="https://a/b?c,d",scope="x y" , Basic realm="say \\"hi\\""',
    ]);
    expect([bearer?.scheme, bearer?.parameters.get("realm")]).toEqual(["bearer", "https://a/b?c,d"]);
    expect([basic?.scheme, basic?.parameters.get("realm")]).toEqual(["basic", 'say "hi"']);
  });
});

describe("an upload", () => {
  const bytes = randomBytes(10_000);
  const blob = blobOf(bytes);

  test("is not made of what is there", async () => {
    const registry = await serveRegistry();
    registry.addBlob("some/image", bytes);
    const outcome = await repository(registry).upload(blob, () => {
      throw new Error("nobody should read this");
    });
    expect(outcome).toBe("present");
    expect(registry.count("POST")).toBe(0);
  });

  test("takes a blob over from another repository", async () => {
    const registry = await serveRegistry({ auth: "token" });
    registry.addBlob("other/image", bytes);
    expect(await repository(registry).upload(blob, pieces(bytes), { mountFrom: () => "other/image" })).toBe("mounted");
    expect(registry.blobs.get("some/image")?.has(blob.digest)).toBe(true);
    expect(registry.scopes.at(-1)).toEqual(["repository:some/image:pull,push", "repository:other/image:pull"]);
    expect(
      await repository(registry).upload(blobOf(Buffer.from("x")), pieces(Buffer.from("x")), {
        mountFrom: () => "other/image",
      }),
    ).toBe("uploaded");
  });

  test("is made where nothing is taken over", async () => {
    const registry = await serveRegistry({
      intercept(request, response) {
        if (!request.url?.includes("mount=")) return false;
        response.writeHead(403).end();
        return true;
      },
    });
    expect(await repository(registry).upload(blob, pieces(bytes), { mountFrom: () => "other/image" })).toBe("uploaded");
  });

  test("is made at once for a small blob, and in pieces for a large one", async () => {
    const registry = await serveRegistry();
    expect(await repository(registry).upload(blob, pieces(bytes), { chunkSize: 20_000 })).toBe("uploaded");
    expect(registry.count("PATCH")).toBe(0);
    const other = await serveRegistry();
    await repository(other).upload(blob, pieces(bytes), { chunkSize: 3000 });
    expect(other.count("PATCH")).toBe(4);
    expect(other.blobs.get("some/image")?.get(blob.digest)).toEqual(bytes);
    const wide = await serveRegistry({ smallest: 6000 });
    await repository(wide).upload(blob, pieces(bytes), { chunkSize: 3000 });
    expect(wide.count("PATCH")).toBe(2);
  });

  test("is made at once where the registry takes no pieces", async () => {
    const registry = await serveRegistry({ pieces: false });
    expect(await repository(registry).upload(blob, pieces(bytes), { chunkSize: 3000 })).toBe("uploaded");
    expect(registry.blobs.get("some/image")?.get(blob.digest)).toEqual(bytes);
  });

  test("goes on where the connection broke", async () => {
    let broken = 0;
    const registry = await serveRegistry({
      intercept(request, response, { uploads }) {
        if (request.method !== "PATCH" || ++broken % 2 === 0) return false;
        // Part of the piece arrives, and no answer.
        request.once("data", (chunk: Buffer) => {
          const id = new URL(request.url ?? "", "http://x").pathname.split("/").at(-1) ?? "";
          uploads.set(id, Buffer.concat([uploads.get(id) ?? Buffer.alloc(0), chunk.subarray(0, 500)]));
          response.destroy();
        });
        return true;
      },
    });
    await repository(registry).upload(blob, pieces(bytes), { chunkSize: 3000 });
    expect(registry.blobs.get("some/image")?.get(blob.digest)).toEqual(bytes);
    expect(broken).toBe(8);
    expect(registry.count("POST")).toBe(1);
  });

  test("begins anew where the registry has lost it", async () => {
    let lost = false;
    const registry = await serveRegistry({
      intercept(request, response, { uploads }) {
        if (request.method !== "PATCH" || lost) return false;
        lost = true;
        uploads.clear();
        response.destroy();
        return true;
      },
    });
    await repository(registry).upload(blob, pieces(bytes), { chunkSize: 3000 });
    expect(registry.count("POST")).toBe(2);
    expect(registry.blobs.get("some/image")?.get(blob.digest)).toEqual(bytes);
  });

  test("is made at once where the registry takes one piece and forgets it", async () => {
    const registry = await serveRegistry({
      intercept(request, response, { uploads }) {
        if (request.method !== "PATCH") return false;
        if (request.headers["content-range"]?.startsWith("0-")) return false;
        uploads.clear();
        response.writeHead(416).end();
        return true;
      },
    });
    expect(await repository(registry).upload(blob, pieces(bytes), { chunkSize: 3000 })).toBe("uploaded");
    expect(registry.blobs.get("some/image")?.get(blob.digest)).toEqual(bytes);
  });

  test.each([
    ["at once", 20_000],
    ["in pieces", 3000],
  ])("of another blob than was announced leaves nothing, %s", async (_, chunkSize) => {
    const registry = await serveRegistry();
    const attempt = repository(registry).upload({ ...blob, digest: sha256("other") }, pieces(bytes), { chunkSize });
    await expect(attempt).rejects.toMatchObject({ reason: "registry-wrong-content" });
    expect(registry.blobs.get("some/image")?.size ?? 0).toBe(0);
    expect(registry.count("PUT")).toBe(0);
  });
});

describe("an upload that an earlier command began", () => {
  const bytes = randomBytes(10_000);
  const blob = blobOf(bytes);
  const place = { repository: "some/image" };

  /** Sends until the registry has 5,000 bytes of it, the last 2,000 as a part of a piece. */
  async function begin(behaviour: RegistryBehaviour = {}) {
    const controller = new AbortController();
    let isOver = false;
    const registry = await serveRegistry({
      ...behaviour,
      intercept(request, response, registry) {
        if (behaviour.intercept?.(request, response, registry)) return true;
        if (isOver || request.method !== "PATCH" || !request.headers["content-range"]?.startsWith("3000-"))
          return false;
        isOver = true;
        for (const [id, before] of registry.uploads)
          registry.uploads.set(id, Buffer.concat([before, bytes.subarray(3000, 5000)]));
        controller.abort(new Error("killed"));
        return true;
      },
    });
    const directory = tempDir("uploads");
    const upload = async (signal = new AbortController().signal) => {
      using record = new BegunUploads(directory).of({ ...place, host: registry.host }, blob);
      return await repository(registry, "push", { signal }).upload(blob, pieces(bytes), { chunkSize: 3000, record });
    };
    await expect(upload(controller.signal)).rejects.toThrow("killed");
    registry.requests.length = 0;
    const [file = "none"] = readdirSync(directory);
    return { registry, upload, directory, file: join(directory, file) };
  }

  const isThere = ({ blobs }: TestRegistry) => blobs.get("some/image")?.get(blob.digest)?.equals(bytes);

  test("goes on in the middle of a piece, and is forgotten", async () => {
    const { registry, upload, directory, file } = await begin({ auth: "token" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toMatch(/secret|token-/);
    expect(await upload()).toBe("uploaded");
    expect([registry.count("POST"), registry.count("PATCH"), isThere(registry)]).toEqual([0, 2, true]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("begins anew where the registry has other bytes than were sent", async () => {
    const { registry, upload, directory } = await begin();
    for (const id of registry.uploads.keys()) registry.uploads.set(id, Buffer.alloc(5000));
    expect(await upload()).toBe("uploaded");
    expect([registry.count("POST"), isThere(registry)]).toEqual([1, true]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each([
    ["more than the blob has", "0-10000"],
    ["what is no number", "all"],
  ])("begins anew where the registry claims %s", async (_, range) => {
    const { registry, upload } = await begin({
      intercept(request, response) {
        if (request.method !== "GET") return false;
        response.writeHead(204, { range }).end();
        return true;
      },
    });
    expect(await upload()).toBe("uploaded");
    expect([registry.count("POST"), isThere(registry)]).toEqual([1, true]);
  });

  test("is left to the program that began it, as long as that runs", async () => {
    const { registry, upload, file } = await begin();
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    const since = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const begun = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...begun, owner: `${process.ppid}-${since}` }));
    expect(await upload()).toBe("uploaded");
    expect(registry.count("POST")).toBe(1);
  });

  test("is not kept where its place holds a password", () => {
    const directory = tempDir("uploads");
    using record = new BegunUploads(directory).of({ ...place, host: "registry.invalid" }, blob);
    record.keep({ location: new URL("https://user:secret@registry.invalid/upload"), smallest: 0 });
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a download", () => {
  const bytes = randomBytes(2_000_000);

  test.each([
    ["ranges", true],
    ["no ranges", false],
  ])("goes on where the connection broke, at a server with %s", async (_, ranges) => {
    let broken = 0;
    const registry = await serveRegistry({
      intercept(request, response) {
        if (!request.url?.includes("/blobs/")) return false;
        if (!ranges) delete request.headers.range;
        if (++broken > 2) return false;
        response.writeHead(request.headers.range ? 206 : 200, { "content-length": bytes.length });
        const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
        response.write(bytes.subarray(from, from + 500_000), () => response.destroy());
        return true;
      },
    });
    const blob = registry.addBlob("some/image", bytes);
    expect((await read(repository(registry).blob(blob))).equals(bytes)).toBe(true);
    expect(registry.count("GET some/image/blobs")).toBe(3);
  });

  test("goes on where the registry stalls", async () => {
    let stalled = 0;
    const registry = await serveRegistry({
      intercept(request, response) {
        if (!request.url?.includes("/blobs/") || ++stalled > 1) return false;
        response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 500_000));
        return true;
      },
    });
    const blob = registry.addBlob("some/image", bytes);
    const got = await read(repository(registry, "pull", { stallMs: 200 }).blob(blob));
    expect([got.equals(bytes), registry.count("GET some/image/blobs")]).toEqual([true, 2]);
  });

  test("is tried again as often as allowed, and then says why", async () => {
    const registry = await serveRegistry({
      intercept: (_request, response) => {
        response.writeHead(503).end("overloaded");
        return true;
      },
    });
    const attempt = repository(registry, "pull", { retries: 2 }).manifest("latest");
    await expect(attempt).rejects.toMatchObject({ reason: "registry-failed", temporary: true, detail: "overloaded" });
    expect(registry.count("GET some/image/manifests")).toBe(3);
  });

  test("waits where the registry was asked too often", async () => {
    let asked = 0;
    const registry = await serveRegistry({
      intercept(_request, response) {
        if (++asked > 1) return false;
        response.writeHead(429, { "retry-after": "1" }).end();
        return true;
      },
    });
    const began = performance.now();
    await expect(repository(registry, "pull").manifest("x")).rejects.toMatchObject({ reason: "registry-not-found" });
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  test("says that it waits, and for what", async () => {
    const registry = await serveRegistry({
      intercept(_request, response) {
        response.writeHead(429, { "retry-after": "30" }).end();
        return true;
      },
    });
    const controller = new AbortController();
    const said: string[] = [];
    const info = (text: string) => {
      said.push(text);
      controller.abort(new Error("enough"));
    };
    const attempt = repository(registry, "pull", { info, signal: controller.signal }).manifest("x");
    await expect(attempt).rejects.toThrow("enough");
    expect(said).toEqual([
      `The registry ${registry.host} asks to be left alone for 30 seconds: it is asked again then`,
    ]);
  });

  test.each([
    ["100000", "28 hours"],
    ["300", "5 minutes"],
    ["119", "119 seconds"],
  ])("does not wait for longer than a minute (%s: %s)", async (seconds, words) => {
    const registry = await serveRegistry({
      intercept(_request, response) {
        response.writeHead(429, { "retry-after": seconds }).end();
        return true;
      },
    });
    await expect(repository(registry, "pull").manifest("x")).rejects.toMatchObject({
      reason: "registry-busy",
      temporary: true,
      detail: `It asks to be left alone for ${words}.`,
    });
    expect(registry.count("GET some/image/manifests")).toBe(1);
  });

  test("ends at once when it is aborted", async () => {
    const controller = new AbortController();
    const registry = await serveRegistry({
      intercept(request, response) {
        if (!request.url?.includes("/blobs/")) return false;
        response.writeHead(200, { "content-length": 1000 }).write("x");
        setTimeout(() => controller.abort(new Error("enough")), 20);
        return true;
      },
    });
    const blob = { digest: sha256("x"), size: 1000 };
    await expect(read(repository(registry, "pull", { signal: controller.signal }).blob(blob))).rejects.toThrow(
      "enough",
    );
  });
});

describe("manifests", () => {
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: blobOf(Buffer.from("{}")), layers: [] };

  test("are not taken from a page that asks people to log in", async () => {
    const registry = await serveRegistry({
      intercept(_request, response) {
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<!doctype html>");
        return true;
      },
    });
    await expect(repository(registry, "pull").manifest("x")).rejects.toMatchObject({
      reason: "registry-wrong-content",
      message: expect.stringContaining(registry.host),
    });
  });

  test.each<[string, Buffer, string]>([
    ["of another digest", Buffer.from("{}"), "registry-wrong-content"],
    ["that are huge", Buffer.alloc(5 << 20, 0x20), "registry-too-large"],
  ])("%s are refused", async (_, body, reason) => {
    const registry = await serveRegistry({
      intercept(request, response) {
        if (!request.url?.includes("/manifests/")) return false;
        response.writeHead(200, { "content-type": MANIFEST }).end(body);
        return true;
      },
    });
    await expect(repository(registry).manifest(sha256("x"))).rejects.toMatchObject({ reason });
  });

  test.each<[string, object]>([
    ["no JSON object", []],
    ["two things at once", { ...manifest, manifests: [] }],
    ["of the first schema", { schemaVersion: 1 }],
    ["of an unknown kind", { ...manifest, mediaType: "other" }],
    ["an index by its name only", { ...manifest, mediaType: INDEX }],
  ])("that are %s are refused", async (_, content) => {
    const registry = await serveRegistry();
    registry.addManifest("some/image", "x", content, MANIFEST);
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "oci-invalid-image" });
  });

  test.each([true, false])(
    "that say something about another are found, with the Referrers API: %s",
    async (referrers) => {
      const registry = await serveRegistry({ referrers });
      const on = repository(registry);
      const subject = { mediaType: MANIFEST, ...registry.addManifest("some/image", "x", manifest, MANIFEST) };
      expect(await on.referrers(subject.digest)).toEqual([]);
      for (const artifactType of ["test/signature", "test/sbom"]) {
        const bytes = Buffer.from(JSON.stringify({ ...manifest, subject, artifactType }));
        const content = { descriptor: { ...blobOf(bytes), mediaType: MANIFEST }, bytes };
        await on.putManifest(content.descriptor.digest, content);
        await on.putManifest(content.descriptor.digest, content);
      }
      const found = await on.referrers(subject.digest);
      expect(found.map((each) => each.artifactType).sort()).toEqual(["test/sbom", "test/signature"]);
      expect(registry.manifests.get("some/image")?.has(subject.digest.replace(":", "-"))).toBe(!referrers);
    },
  );
});

test("lists of what refers to an image that lead in a circle are read once", async () => {
  const entry = { mediaType: MANIFEST, digest: sha256("x"), size: 1 };
  let answers = 0;
  const registry = await serveRegistry({
    intercept(request, response) {
      if (!request.url?.includes("/referrers/")) return false;
      answers++;
      response.writeHead(200, { "content-type": INDEX, link: `<${request.url.split("?")[0]}?again>; rel="next"` });
      response.end(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [entry] }));
      return true;
    },
  });
  expect(await repository(registry, "pull").referrers(sha256("y"))).toHaveLength(1);
  expect(answers).toBe(2);
});

describe("who asks", () => {
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: blobOf(Buffer.from("{}")), layers: [] };

  test.each(["basic", "token"] as const)("is told by %s, once", async (auth) => {
    const registry = await serveRegistry({ auth });
    registry.addManifest("some/image", "x", manifest, MANIFEST);
    const on = repository(registry, "pull");
    await Promise.all([on.manifest("x"), on.manifest("x")]);
    await on.manifest("x");
    expect(registry.scopes).toEqual(auth === "token" ? [["repository:some/image:pull"]] : []);
  });

  test.each(["basic", "token"] as const)("is refused with a clear error, by %s", async (auth) => {
    const registry = await serveRegistry({ auth, password: "other" });
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "registry-denied" });
    const nobody = repository(registry, "pull", { credentials: async () => undefined });
    await expect(nobody.manifest("x")).rejects.toMatchObject({ reason: "registry-denied" });
  });

  test("is asked anew when a token is not good any more", async () => {
    const registry = await serveRegistry({ auth: "token" });
    registry.addManifest("some/image", "x", manifest, MANIFEST);
    const on = repository(registry, "pull");
    await on.manifest("x");
    registry.scopes.push([]);
    await on.manifest("x");
    expect(registry.scopes).toHaveLength(3);
  });

  test("is told to nobody else: storage that blobs are at, or the place of an upload", async () => {
    const bytes = Buffer.from("content");
    const storage = await serveHttp((request, response) => {
      request.resume();
      response.writeHead(request.method === "PUT" ? 201 : 200).end(request.method === "PUT" ? undefined : bytes);
    });
    const registry = await serveRegistry({
      auth: "token",
      intercept(request, response) {
        if (!request.headers.authorization?.startsWith("Bearer ")) return false;
        if (request.method === "POST") response.writeHead(202, { location: `${storage.url}/upload` }).end();
        else if (request.method === "GET") response.writeHead(307, { location: `${storage.url}/blob` }).end();
        else return false;
        return true;
      },
    });
    const on = repository(registry);
    expect(await read(on.blob(blobOf(bytes)))).toEqual(bytes);
    await on.upload(blobOf(bytes), pieces(bytes));
    expect(storage.requests.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ["GET", undefined],
      ["PUT", undefined],
    ]);
  });

  test("is not for storage to ask that blobs are at", async () => {
    const storage = await serveHttp((_request, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${storage.url}/token"` }).end();
    });
    const registry = await serveRegistry({
      intercept(_request, response) {
        response.writeHead(307, { location: `${storage.url}/blob` }).end();
        return true;
      },
    });
    const attempt = read(repository(registry).blob(blobOf(Buffer.from("x"))));
    await expect(attempt).rejects.toMatchObject({ reason: "registry-denied" });
    expect(storage.requests.map(({ url }) => url)).toEqual(["/blob"]);
  });

  test("is not told to a server of tokens that is not encrypted", async () => {
    const registry = await serveRegistry({
      intercept(request, response) {
        response.writeHead(401, { "www-authenticate": 'Bearer realm="http://tokens.example/"' }).end();
        return request.url !== "";
      },
    });
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "registry-insecure" });
  });

  test("plain http is for this machine alone, unless it is asked for", async () => {
    const on = new Repository({ host: "registry.invalid", repository: "x" }, "pull", options({ retries: 0 }));
    await expect(on.manifest("x")).rejects.toMatchObject({ reason: "registry-unreachable" });
    const registry = await serveRegistry({
      intercept(_request, response) {
        response.writeHead(307, { location: "http://registry.invalid/" }).end();
        return true;
      },
    });
    await expect(repository(registry).manifest("x")).rejects.toMatchObject({ reason: "registry-insecure" });
  });
});

describe("a registry whose certificate nobody vouches for", () => {
  test("is asked only where that is allowed", async () => {
    const folder = tempDir("tls");
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout ${key} -out ${cert}`;
    expect(spawnSync("openssl", made.split(" ")).status).toBe(0);
    const plain = await serveRegistry();
    plain.addManifest("some/image", "x", { schemaVersion: 2, config: blobOf(Buffer.from("{}")), layers: [] }, MANIFEST);
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) =>
      plain.answer(request, response),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const place = { host: `localhost:${(server.address() as AddressInfo).port}`, repository: "some/image" };
    const strict = new Repository(place, "pull", options());
    await expect(strict.manifest("x")).rejects.toMatchObject({ reason: "registry-unreachable", temporary: false });
    const lax = new Repository(place, "pull", options({ insecure: true }));
    expect((await lax.manifest("x")).descriptor.mediaType).toBe(MANIFEST);
  });
});
