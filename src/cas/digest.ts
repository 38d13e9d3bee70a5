/** REAPI digests: the SHA-256 of some bytes and how many they are. */
import { createHash, hash as hashAtOnce } from "node:crypto";
import { PIECE_SIZE, withPieces } from "./file-pieces.ts";

/** Names some bytes by their content. */
export interface Digest {
  /** 64 lower-case hexadecimal digits. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
}

/** Whether a text is a hash: without a regular expression, since trees hold many. */
export function isHash(text: string): boolean {
  if (text.length !== 64) return false;
  for (let i = 0; i < 64; i++) {
    const unit = text.charCodeAt(i);
    if (!((unit >= 48 && unit <= 57) || (unit >= 97 && unit <= 102))) return false;
  }
  return true;
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  const hash = hashAtOnce("sha256", bytes, "hex");
  return { hash, size: typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length };
}

/** The digest of a file's content. Throws the system's error if it can't be read. */
export function digestOfFile(path: string): Digest {
  return withPieces(path, (next) => {
    let piece = next();
    if (piece.length < PIECE_SIZE) return digestOf(piece);
    const hash = createHash("sha256");
    let size = 0;
    for (; piece.length > 0; piece = next()) {
      hash.update(piece);
      size += piece.length;
    }
    return { hash: hash.digest("hex"), size };
  });
}

/** `hash/size`, the form in which BuildStream prints digests. */
export function formatDigest(digest: Digest): string {
  return `${digest.hash}/${digest.size}`;
}

/** The reverse of {@link formatDigest}; undefined for text that is no digest. */
export function parseDigest(text: string): Digest | undefined {
  const [hash, size, ...rest] = text.split("/");
  if (rest.length > 0 || hash === undefined || size === undefined || !isHash(hash) || !/^\d+$/.test(size)) {
    return undefined;
  }
  return { hash, size: Number(size) };
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.hash === b.hash && a.size === b.size;
}
