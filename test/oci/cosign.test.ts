import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, scryptSync } from "node:crypto";
import nacl from "tweetnacl";
import { describe, expect, test } from "vitest";
import { readPrivateKey, readPublicKey } from "../../src/oci/cosign/keys.ts";
import { signImage, verifySignatures } from "../../src/oci/cosign/signatures.ts";
import { Repository } from "../../src/oci/registry/repository.ts";
import { serveRegistry, sha256, type TestRegistry } from "./registry-server.ts";

function keyPair(namedCurve = "prime256v1") {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  return {
    privateKey,
    publicKey,
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** As cosign writes it, but for a cheaper key derivation. */
function encrypted(key: KeyObject, password: string, cipher = "nacl/secretbox"): string {
  const der = key.export({ type: "pkcs8", format: "der" });
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const params = { N: 1024, r: 8, p: 1 };
  const secret = new Uint8Array(scryptSync(password, salt, 32, params));
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const envelope = {
    kdf: { name: "scrypt", params, salt: text(salt) },
    cipher: { name: cipher, nonce: text(nonce) },
    ciphertext: text(nacl.secretbox(new Uint8Array(der), new Uint8Array(nonce), secret)),
  };
  const body = Buffer.from(JSON.stringify(envelope)).toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
}

const invalid = expect.objectContaining({ reason: "invalid-signing-key" });

describe("keys", () => {
  const { privateKey, privatePem, publicPem } = keyPair();
  const same = (key: KeyObject) =>
    (key.type === "public" ? key : createPublicKey(key)).export({ type: "spki", format: "pem" }) === publicPem;

  test("are read as openssl and cosign write them", () => {
    expect(same(readPrivateKey(privatePem, "key", undefined))).toBe(true);
    const older = execFileSync("openssl", ["ec"], { input: privatePem, stdio: ["pipe", "pipe", "ignore"] }).toString();
    expect(older).toContain("BEGIN EC PRIVATE KEY");
    expect(same(readPrivateKey(older, "key", undefined))).toBe(true);
    expect(same(readPrivateKey(encrypted(privateKey, "secret"), "key", "secret"))).toBe(true);
    expect(same(readPublicKey(publicPem, "key"))).toBe(true);
  });

  test("of other kinds, wrong passwords and nonsense are refused", () => {
    const odd = keyPair("secp384r1");
    expect(() => readPrivateKey(odd.privatePem, "key", undefined)).toThrow(invalid);
    expect(() => readPublicKey(odd.publicPem, "key")).toThrow(invalid);
    expect(() => readPrivateKey(encrypted(privateKey, "secret"), "key", "wrong")).toThrow(invalid);
    expect(() => readPrivateKey(encrypted(privateKey, "secret"), "key", undefined)).toThrow(invalid);
    expect(() => readPrivateKey(encrypted(privateKey, "", "other"), "key", undefined)).toThrow(invalid);
    const nonsense = "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END";
    for (const text of ["nonsense", nonsense, publicPem]) {
      expect(() => readPrivateKey(text, "key", undefined)).toThrow(invalid);
    }
  });
});

describe("signatures", () => {
  const one = keyPair();
  const other = keyPair();
  const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

  function open(registry: TestRegistry) {
    const credentials = async () => undefined;
    const options = { credentials, signal: AbortSignal.timeout(10_000), insecure: true };
    return new Repository({ host: registry.host, repository: "app" }, "push", options);
  }
  const tagOf = (digest: string) => `${digest.replace(":", "-")}.sig`;
  const digest = sha256("an image");

  test("are added to those of others, once", async () => {
    const registry = await serveRegistry();
    const repository = open(registry);
    const unsigned = expect.objectContaining({ reason: "image-not-signed" });
    await expect(verifySignatures(repository, digest, one.publicKey)).rejects.toThrow(unsigned);
    expect(await signImage(repository, digest, one.privateKey)).toBe(true);
    expect(await signImage(repository, digest, one.privateKey)).toBe(false);
    await expect(verifySignatures(repository, digest, other.publicKey)).rejects.toThrow(unsigned);
    expect(await signImage(repository, digest, other.privateKey)).toBe(true);
    for (const { publicKey } of [one, other]) expect(await verifySignatures(repository, digest, publicKey)).toBe(1);
  });

  test("of another image, or of changed bytes, are none", async () => {
    const registry = await serveRegistry();
    const repository = open(registry);
    await signImage(repository, digest, one.privateKey);
    const { bytes } = registry.manifests.get("app")?.get(tagOf(digest)) ?? { bytes: Buffer.alloc(0) };
    const manifest = JSON.parse(bytes.toString());
    const second = sha256("another image");
    registry.addManifest("app", tagOf(second), manifest, MANIFEST);
    const unsigned = expect.objectContaining({ reason: "image-not-signed" });
    await expect(verifySignatures(repository, second, one.publicKey)).rejects.toThrow(unsigned);

    const [layer] = manifest.layers;
    const forged = registry.blobs.get("app")?.get(layer.digest)?.toString().replace(digest, second) ?? "";
    const put = registry.addBlob("app", Buffer.from(forged));
    registry.addManifest("app", tagOf(second), { ...manifest, layers: [{ ...layer, ...put }] }, MANIFEST);
    await expect(verifySignatures(repository, second, one.publicKey)).rejects.toThrow(unsigned);
    registry.addManifest("app", tagOf(second), { ...manifest, layers: [{ ...layer, annotations: {} }] }, MANIFEST);
    await expect(verifySignatures(repository, second, one.publicKey)).rejects.toThrow(unsigned);
  });
});
