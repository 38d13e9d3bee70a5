/** What is signed: a note about the digest of an image, in the form of "simple signing" that cosign has. */
import { type KeyObject, sign, verify } from "node:crypto";
import { asObject, type JsonObject } from "../json.ts";

const TYPE = "cosign container image signature";

export function payloadOf(repository: string, digest: string): Buffer {
  const critical = {
    identity: { "docker-reference": repository },
    image: { "docker-manifest-digest": digest },
    type: TYPE,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** Whether it is about this digest. @throws BstError domain element, for what is no such note */
export function isAbout(payload: Buffer, digest: string): boolean {
  const name = "The note that is signed";
  let value: unknown;
  try {
    value = JSON.parse(payload.toString());
  } catch {
    return false;
  }
  const critical: JsonObject = asObject(asObject(value, name)["critical"], name);
  const image = asObject(critical["image"], name);
  return critical["type"] === TYPE && image["docker-manifest-digest"] === digest;
}

/** In base64; of the form that ASN.1 gives it. */
export function signatureOf(payload: Buffer, key: KeyObject): string {
  return sign("sha256", payload, key).toString("base64");
}

export function isSignatureOf(payload: Buffer, signature: string, key: KeyObject): boolean {
  return verify("sha256", payload, key, Buffer.from(signature, "base64"));
}
