/** What is said of images beside them: signatures, and how all of it goes along with copies. */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { serveRegistry, sha256, type TestRegistry } from "../oci/registry-server.ts";
import { imageCommands, only } from "./image-commands.ts";

const image = (architecture: string, layer: string) =>
  `  - {architecture: ${architecture}, os: linux, layer: [${layer}], tags: ['example/app:1.0']}\n`;
const oci = (...images: string[]) =>
  `kind: oci\nbuild-depends: [app.bst, lib.bst]\nconfig:\n  images:\n${images.join("")}`;
const imported = (path: string) => `kind: import\nsources: [{kind: local, path: ${path}}]\n`;

const cwd = project({
  "lib.bst": imported("lib"),
  "lib/usr/lib/lib.so": "lib",
  "app.bst": imported("app"),
  "app/usr/bin/app": { executable: "app" },
  "image.bst": oci(image("amd64", "lib.bst")),
  "two.bst": oci(image("amd64", "app.bst"), image("arm64", "lib.bst")),
});
const config = cacheConfig();

beforeAll(async () => {
  const { code, stderr } = await runCli(["build", "image.bst", "two.bst"], { cwd, config });
  expect(code, stderr).toBe(0);
});

const { run, output } = imageCommands({ cwd, config });

interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/** As files in PEM. */
function keyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return { private: written(privateKey), public: written(publicKey) };
}

function written(text: string): string {
  const path = join(tempDir("key"), "key.pem");
  writeFileSync(path, text);
  return path;
}

describe("signatures", () => {
  const key = keyPair();
  const tagOf = (digest: string) => `${digest.replace(":", "-")}.sig`;

  test("are where cosign looks for them, and what openssl verifies", async () => {
    const registry = await serveRegistry();
    const words = `push image.bst ${registry.host}/app:1 --sign-key ${key.private}`;
    const digest = (await output(words)).trim();
    const { layers, config: described } = registry.manifest("app", tagOf(digest));
    const layer = only<{ digest: string; mediaType: string; annotations: Record<string, string> }>(layers);
    expect(layer.mediaType).toBe("application/vnd.dev.cosign.simplesigning.v1+json");
    const payload = registry.blobs.get("app")?.get(layer.digest) ?? Buffer.alloc(0);
    expect(JSON.parse(payload.toString())).toEqual({
      critical: {
        identity: { "docker-reference": `${registry.host}/app` },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: null,
    });
    const configBytes = registry.blobs.get("app")?.get(described.digest)?.toString() ?? "";
    expect(JSON.parse(configBytes).rootfs.diff_ids).toEqual([sha256(payload)]);
    const signature = join(tempDir("signature"), "bytes");
    writeFileSync(signature, Buffer.from(layer.annotations["dev.cosignproject.cosign/signature"] ?? "", "base64"));
    const openssl = ["dgst", "-sha256", "-verify", key.public, "-signature", signature];
    expect(spawnSync("openssl", openssl, { input: payload }).stdout.toString()).toBe("Verified OK\n");

    const before = registry.requests.length;
    await output(words);
    expect(registry.requests.slice(before).filter((request) => /^(PUT|POST|PATCH)/.test(request))).toEqual([]);
  });

  test("are made of what is there already, and verified", async () => {
    const registry = await serveRegistry();
    const name = `${registry.host}/app:1`;
    const digest = (await output(`push image.bst ${name}`)).trim();
    expect((await run(`verify docker://${name} --key ${key.public}`)).error?.reason).toBe("image-not-signed");
    expect(await output(`sign ${name} --key ${key.private}`)).toBe(`${digest}\n`);
    expect(await output(`verify docker://${name} --key ${key.public}`)).toContain("is signed with");
    expect(await output(`inspect docker://${name}`)).toMatch(
      /what is said about it\n {2}signatures of cosign {2}sha256:/,
    );
  });

  test("are made of each image of an index as well, if asked for", async () => {
    const registry = await serveRegistry();
    const name = `${registry.host}/app:1`;
    const digest = (await output(`push two.bst ${name} --sign-key ${key.private}`)).trim();
    const verify = `verify docker://${name} --key ${key.public}`;
    expect(await output(verify)).toContain(`${digest} is signed with`);
    expect((await run(`${verify} --recursive`)).error?.reason).toBe("image-not-signed");
    expect((await run(`verify docker://${name} --recursive`)).error?.message).toContain("--key says whose");
    expect(await output(`sign ${name} --key ${key.private} --recursive`)).toBe(`${digest}\n`);
    const { manifests } = registry.manifest("app", "1");
    const lines = (await output(`${verify} --recursive`)).split("\n");
    const signed = [digest, ...manifests.map((entry: { digest: string }) => entry.digest)];
    expect(lines.filter((line) => line.includes("is signed")).map((line) => line.split(" ")[0])).toEqual(signed);
    const before = registry.requests.length;
    await output(`sign ${name} --key ${key.private} -r`);
    expect(registry.requests.slice(before).filter((request) => /^(PUT|POST|PATCH)/.test(request))).toEqual([]);
  });

  test("are made of images in registries, with private keys", async () => {
    const registry = await serveRegistry();
    const reason = async (words: string) => (await run(words)).error?.reason;
    expect(await reason(`sign ${registry.host}/app:none --key ${key.private}`)).toBe("registry-not-found");
    expect(await reason(`sign image.bst --key ${key.private}`)).toBe("invalid-image-name");
    expect(await reason(`verify image.bst --key ${key.public}`)).toBe("no-signatures");
    const encrypted = written("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA==\n-----END ENCRYPTED");
    const { error } = await run(`verify docker://${registry.host}/app:1 --key ${encrypted}`);
    expect(error?.message).toContain("is an encrypted private key");
    expect(await reason(`push image.bst ${registry.host}/app:3 --sign-key ${key.public}`)).toBe("invalid-signing-key");
    expect(registry.count("PUT")).toBe(0);
  });
});

describe("what is said of images", () => {
  const key = keyPair();

  /** An index of two images, each with a list of its parts, and all of it signed. */
  async function said(referrers: boolean): Promise<{ registry: TestRegistry; digest: string }> {
    const registry = await serveRegistry({ referrers });
    const name = `${registry.host}/app:1`;
    const digest = (await output(`push two.bst ${name} --sbom spdx`)).trim();
    await output(`sign ${name} --key ${key.private} --recursive`);
    return { registry, digest };
  }

  /** How many things are said of each image of an index; in a registry, all of it must be signed. */
  async function heard(place: string): Promise<number[]> {
    if (place.startsWith("docker://")) await output(`verify ${place} --key ${key.public} --recursive`);
    const { images } = JSON.parse(await output(`inspect ${place} --json`));
    const counts: number[] = [];
    for (const { platform } of images) {
      const one = await output(`inspect ${place} --json --platform ${platform.os}/${platform.architecture}`);
      counts.push(JSON.parse(one).referrers.length);
    }
    return counts;
  }

  test("is not known where the registry does not tell, and the image is", async () => {
    const registry = await serveRegistry({
      intercept(request, response) {
        if (request.url?.includes("/referrers/") !== true) return false;
        response.writeHead(403).end();
        return true;
      },
    });
    const digest = (await output(`push two.bst ${registry.host}/app:1`)).trim();
    const { code, stdout, stderr } = await run(`inspect docker://${registry.host}/app:1`);
    expect([code, stdout.split("\n")[0]]).toEqual([0, digest]);
    expect(stderr).toMatch(/WARNING .*What is said about \S+ is not known: The registry .* does not allow this/);
  });

  test.each([true, false])("is copied from one registry to another (Referrers API: %s)", async (referrers) => {
    const { registry } = await said(referrers);
    const other = await serveRegistry({ referrers: !referrers });
    const name = `${other.host}/copy:1`;
    await output(`copy docker://${registry.host}/app:1 docker://${name} --all`);
    expect([...(other.manifests.get("copy")?.keys() ?? [])].filter((tag) => tag.endsWith(".sig"))).toEqual([]);
    await output(`copy docker://${registry.host}/app:1 docker://${name} --all --referrers`);
    expect(await heard(`docker://${name}`)).toEqual([1, 1]);
    const before = other.requests.length;
    await output(`copy docker://${registry.host}/app:1 docker://${name} --all --referrers`);
    expect(other.requests.slice(before).filter((request) => /^(PUT|POST|PATCH)/.test(request))).toEqual([]);
  });

  test("is pulled to a layout, and pushed from there", async () => {
    const { registry, digest } = await said(true);
    const folder = join(tempDir("layout"), "app");
    await output(`pull ${registry.host}/app:1 oci:${folder} --all -r`);
    expect(await output(`verify oci:${folder}`)).toContain(`${digest} is whole`);
    expect(await heard(`oci:${folder}`)).toEqual([1, 1]);
    const other = await serveRegistry();
    expect(await output(`copy oci:${folder} docker://${other.host}/app:1 --all -r`)).toBe(`${digest}\n`);
    expect(await heard(`docker://${other.host}/app:1`)).toEqual([1, 1]);
  });

  test("is found in layouts of others, which keep a list of it, or tell nothing but its digest", async () => {
    const { registry, digest } = await said(true);
    const folder = join(tempDir("layout"), "app");
    await output(`pull ${registry.host}/app:1 oci:${folder}:1 --all -r`);
    const file = join(folder, "index.json");
    const index = JSON.parse(readFileSync(file, "utf8"));
    type Entry = { artifactType?: string; mediaType: string; digest: string; size: number };
    const write = (manifests: readonly object[]) => writeFileSync(file, JSON.stringify({ ...index, manifests }));
    write(index.manifests.map(({ artifactType, ...entry }: Entry) => entry));
    expect(await heard(`oci:${folder}`)).toEqual([1, 1]);
    const lists = index.manifests.flatMap(({ artifactType, ...entry }: Entry) => {
      if (artifactType === undefined) return [entry];
      const { subject } = JSON.parse(readFileSync(join(folder, "blobs", entry.digest.replace(":", "/")), "utf8"));
      const list = { schemaVersion: 2, mediaType: index.mediaType, manifests: [{ ...entry, artifactType }] };
      const bytes = Buffer.from(JSON.stringify(list));
      writeFileSync(join(folder, "blobs", sha256(bytes).replace(":", "/")), bytes);
      const annotations = { "org.opencontainers.image.ref.name": subject.digest.replace(":", "-") };
      return [{ mediaType: index.mediaType, digest: sha256(bytes), size: bytes.length, annotations }];
    });
    write(lists);
    expect(await heard(`oci:${folder}`)).toEqual([1, 1]);
    expect(await output(`verify oci:${folder}`)).toContain(`${digest} is whole`);
  });

  test("is left where it is about something else", async () => {
    const { registry, digest } = await said(false);
    const strange = (await output(`push image.bst ${registry.host}/app:other`)).trim();
    const manifests = registry.manifests.get("app");
    const bytes = manifests?.get(strange)?.bytes ?? Buffer.alloc(0);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const entry = { mediaType: JSON.parse(bytes.toString()).mediaType, digest: strange, size: bytes.length };
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [entry] }));
    manifests?.set(digest.replace(":", "-"), { type: mediaType, bytes: index });
    const other = await serveRegistry();
    await output(`copy docker://${registry.host}/app@${digest} docker://${other.host}/app:1 --all -r`);
    expect(other.manifests.get("app")?.has(digest)).toBe(true);
    expect(other.manifests.get("app")?.has(strange)).toBe(false);
  });

  test("is that of the one image which is copied, and has no place in archives", async () => {
    const { registry } = await said(true);
    const other = await serveRegistry();
    await output(`copy docker://${registry.host}/app:1 docker://${other.host}/app:1 --platform linux/amd64 -r`);
    const tags = [...(other.manifests.get("app")?.keys() ?? [])].filter((tag) => tag.endsWith(".sig"));
    expect(tags).toHaveLength(1);
    const archive = join(tempDir("archive"), "app.tar");
    const { error } = await run(`pull ${registry.host}/app:1 oci-archive:${archive} --all -r`);
    expect(error?.reason).toBe("no-referrers");
    expect(existsSync(archive)).toBe(false);
  });
});
