/** REAPI digests: the SHA-256 of some bytes and how many they are. */
import { createHash } from "node:crypto";

export interface Digest {
  /** 64 lower-case hexadecimal digits. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
}

const HASH = /^[0-9a-f]{64}$/;

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { hash, size: typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length };
}

/** `hash/size`, the form in which BuildStream prints digests. */
export function formatDigest(digest: Digest): string {
  return `${digest.hash}/${digest.size}`;
}

/** The reverse of {@link formatDigest}; undefined for text that is no digest. */
export function parseDigest(text: string): Digest | undefined {
  const [hash, size, ...rest] = text.split("/");
  if (rest.length > 0 || hash === undefined || size === undefined || !HASH.test(hash) || !/^\d+$/.test(size)) {
    return undefined;
  }
  return { hash, size: Number(size) };
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.hash === b.hash && a.size === b.size;
}
