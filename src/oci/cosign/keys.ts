/** Keys of signatures in PEM: ECDSA on the curve P-256, private ones also as cosign encrypts them. */
import { createPrivateKey, createPublicKey, type KeyObject, scryptSync } from "node:crypto";
import nacl from "tweetnacl";
import { BstError } from "../../base/errors.ts";

/** Memory that deriving a key may take, in bytes; cosign's own parameters take 64 MiB. */
const MAX_MEMORY = 1 << 30;

/**
 * @param name how messages call it
 * @param password of a key that is encrypted
 * @throws BstError domain app, reason invalid-signing-key
 */
export function readPrivateKey(pem: string, name: string, password: string | undefined): KeyObject {
  const [, , body = ""] = /-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----([^-]*)-----END/.exec(pem) ?? [];
  if (/-----BEGIN (EC )?PUBLIC KEY-----/.test(pem))
    throw invalidKey(`${name} is a public key: signing takes the private`);
  const read = () =>
    body === ""
      ? createPrivateKey({ key: pem, ...(password !== undefined && { passphrase: password }) })
      : createPrivateKey({ key: decrypted(body, name, password ?? ""), format: "der", type: "pkcs8" });
  return onCurve(parsed(read, name), name);
}

/** @throws BstError domain app, reason invalid-signing-key */
export function readPublicKey(pem: string, name: string): KeyObject {
  if (/-----BEGIN ENCRYPTED .*PRIVATE KEY-----/.test(pem))
    throw invalidKey(`${name} is an encrypted private key: verifying takes the public`);
  return onCurve(
    parsed(() => createPublicKey(pem), name),
    name,
  );
}

function onCurve(key: KeyObject, name: string): KeyObject {
  if (key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw invalidKey(`${name} is no ECDSA key on the curve P-256`);
}

function parsed(read: () => KeyObject, name: string): KeyObject {
  try {
    return read();
  } catch (error) {
    if (error instanceof BstError) throw error;
    throw invalidKey(`${name} holds no key that can be read: ${error instanceof Error ? error.message : error}`);
  }
}

interface Envelope {
  readonly kdf: {
    readonly name: string;
    readonly params: { readonly N: number; readonly r: number; readonly p: number };
    readonly salt: string;
  };
  readonly cipher: { readonly name: string; readonly nonce: string };
  readonly ciphertext: string;
}

/** A key of PKCS #8. */
function decrypted(body: string, name: string, password: string): Buffer {
  const { kdf, cipher, ciphertext } = JSON.parse(Buffer.from(body, "base64").toString()) as Envelope;
  if (kdf?.name !== "scrypt" || cipher?.name !== "nacl/secretbox") {
    throw invalidKey(`${name} is encrypted by ${kdf?.name} and ${cipher?.name}, which are not known`);
  }
  const { N, r, p } = kdf.params;
  const key = scryptSync(password, Buffer.from(kdf.salt, "base64"), 32, { N, r, p, maxmem: MAX_MEMORY });
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
  const opened = nacl.secretbox.open(bytes(ciphertext), bytes(cipher.nonce), new Uint8Array(key));
  if (opened !== null) return Buffer.from(opened);
  throw invalidKey(`${name} can't be decrypted`, "Its password is taken from COSIGN_PASSWORD.");
}

function invalidKey(message: string, detail?: string): BstError {
  return new BstError("app", message, { reason: "invalid-signing-key", detail });
}
