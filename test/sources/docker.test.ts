import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { docker } from "../../src/sources/docker.ts";
import { bench, listing } from "./helpers.ts";
import { serveHttp } from "./servers.ts";
import { gzipped } from "./tar-writer.ts";

const TYPE = "application/vnd.oci.image.manifest.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const layer = gzipped([{ name: "file", content: "x" }]);
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const manifestOf = (layers: unknown) => json({ schemaVersion: 2, mediaType: TYPE, layers });
const good = manifestOf([{ digest: `sha256:${sha256(layer)}`, mediaType: LAYER }]);

/** @param answers by the path below the image */
async function fetched(manifest: Buffer, answers: Readonly<Record<string, Buffer>>) {
  const { url } = await serveHttp((request, response) => {
    const content = answers[decodeURIComponent(request.url ?? "").replace("/v2/some/image/", "")];
    response.writeHead(content === undefined ? 404 : 200, { "content-type": TYPE }).end(content);
  });
  const on = bench();
  const source = on.configure(docker, { url: `${url}/some/image`, ref: sha256(manifest) });
  await source.fetch(on.io);
  return { on, source };
}

const all = (manifest: Buffer, blob: Buffer) => ({
  [`manifests/sha256:${sha256(manifest)}`]: manifest,
  [`blobs/sha256:${sha256(layer)}`]: blob,
});

describe("docker", () => {
  test("fetches a manifest without a type in it, and keeps nothing else", async () => {
    const untyped = json({ schemaVersion: 2, layers: JSON.parse(good.toString()).layers });
    const { on, source } = await fetched(untyped, all(untyped, layer));
    expect(source.isCached(on.io)).toBe(true);
    expect(listing(on.cas, await on.stage(source))).toEqual(["file = x"]);
    expect(readdirSync(on.io.mirrorDirectory)).toHaveLength(2);
  });

  test.each<[string, Buffer, Readonly<Record<string, Buffer>>, string]>([
    ["another manifest", good, { [`manifests/sha256:${sha256(good)}`]: manifestOf([]) }, "another digest"],
    ["another layer", good, all(good, Buffer.from("other")), "where sha256"],
    ["no manifest", good, {}, "404"],
    ...(
      [
        [manifestOf("text"), "no layers"],
        [manifestOf([{ digest: "sha256:../../x", mediaType: LAYER }]), "without a digest"],
        [manifestOf([{ digest: `sha256:${sha256(layer)}`, mediaType: "other" }]), "Layers of type other"],
        [json({ schemaVersion: 2, mediaType: "other" }), "Manifests of type other"],
        [json({ schemaVersion: 1 }), "schema version 1"],
        [Buffer.from("no JSON"), "no JSON"],
      ] as const
    ).map(([odd, reason]): [string, Buffer, Record<string, Buffer>, string] => [
      `${odd}`,
      odd,
      all(odd, layer),
      reason,
    ]),
  ])("refuses %s", async (_, manifest, answers, reason) => {
    const attempt = fetched(manifest, answers);
    await expect(attempt).rejects.toThrow(reason);
    await expect(attempt).rejects.toMatchObject({ domain: "source" });
  });

  test("gives the registry's token to nobody else", async () => {
    const storage = await serveHttp((_, response) => response.end(layer));
    const registry = await serveHttp((request, response) => {
      if (request.url?.startsWith("/token")) return response.end('{"access_token": "secret"}');
      if (request.headers.authorization !== "Bearer secret") {
        const challenge = `Bearer realm="${registry.url}/token",service="x"`;
        return response.writeHead(401, { "www-authenticate": challenge }).end();
      }
      if (request.url?.includes("/manifests/")) return response.writeHead(200, { "content-type": TYPE }).end(good);
      return response.writeHead(307, { location: `${storage.url}/blob` }).end();
    });
    const on = bench();
    const source = on.configure(docker, { image: "some/image", "registry-url": registry.url, ref: sha256(good) });
    await source.fetch(on.io);
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(registry.requests.length).toBe(4);
  });

  test("tries mirrors in turn", async () => {
    const { url, requests } = await serveHttp((request, response) => {
      const answers: Record<string, Buffer> = all(good, layer);
      const content = answers[decodeURIComponent(request.url ?? "").replace("/v2/second/image/", "")];
      response.writeHead(content === undefined ? 404 : 200, { "content-type": TYPE }).end(content);
    });
    const on = bench({ registry: [`${url}/first/`, `${url}/second/`] });
    const source = on.configure(docker, { url: "registry:image", ref: sha256(good) });
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
    expect(requests).toHaveLength(3);
  });

  test.each([{}, { url: "a", image: "b" }, { url: "a", "registry-url": "b" }])("refuses %o", (config) => {
    expect(() => bench().configure(docker, config)).toThrow(expect.objectContaining({ domain: "source" }));
  });
});
