/** Descriptors: what images say of their parts, and what is believed of that. */
import { createHash } from "node:crypto";
import { BstError } from "../base/errors.ts";
import { asArray, asObject, asString, invalidImage, type JsonObject } from "./json.ts";

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:…`. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
}

/** A manifest, index or configuration with its bytes. */
export interface Content {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * A descriptor that somebody else wrote; only digests of SHA-256 are known, as they become names of files.
 * @param name how messages call it
 * @throws BstError domain element, reason oci-invalid-image
 */
export function readDescriptor(value: unknown, name: string): Descriptor {
  const object = asObject(value, name);
  const { digest, size } = object;
  if (typeof digest !== "string" || !DIGEST.test(digest)) throw invalidImage(`${name} has no SHA-256 digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalidImage(`${name} has no size`);
  const mediaType = asString(object["mediaType"], `The kind of ${name}`);
  const { platform, artifactType, annotations, urls, ...rest } = object;
  if (urls !== undefined) asArray(urls, `The list of places of ${name}`);
  return {
    ...rest,
    mediaType,
    digest,
    size,
    ...(isGiven(platform) && { platform: readPlatform(platform, name) }),
    ...(isGiven(artifactType) && { artifactType: asString(artifactType, `The kind of ${name}`) }),
    ...(isGiven(annotations) && { annotations: readAnnotations(annotations, name) }),
    ...(urls !== undefined && { urls: urls as readonly string[] }),
  };
}

/** What some write for nothing. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function readPlatform(value: unknown, name: string): Platform {
  const platform = asObject(value, `The platform of ${name}`);
  for (const key of ["os", "architecture"]) asString(platform[key], `The ${key} of ${name}`);
  for (const key of ["variant", "os.version"]) {
    if (platform[key] !== undefined) asString(platform[key], `The ${key} of ${name}`);
  }
  if (platform["os.features"] !== undefined) asArray(platform["os.features"], `The os.features of ${name}`);
  return platform as JsonObject & Platform;
}

/** @throws BstError domain element, unless all are texts */
export function readAnnotations(value: unknown, name: string): Readonly<Record<string, string>> {
  const annotations = asObject(value, `The list of annotations of ${name}`);
  for (const [key, text] of Object.entries(annotations)) asString(text, `The annotation ${key} of ${name}`);
  return annotations as JsonObject & Readonly<Record<string, string>>;
}

export function describeBytes(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestText(bytes), size: bytes.length };
}

export function digestText(bytes: Buffer | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function hexOf({ digest }: Pick<Descriptor, "digest">): string {
  return digest.slice("sha256:".length);
}

/**
 * The same pieces, which are more or others than the descriptor says at no time: the end is only reached if all is right.
 * @param place where they come from, for the message
 * @throws BstError domain remote, reason registry-wrong-content
 */
export async function* verified(
  source: AsyncIterable<Buffer>,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  place: string,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let received = 0;
  for await (const piece of source) {
    received += piece.length;
    if (received > size) throw wrong(`${place} has a blob of more bytes than its descriptor tells of`, digest, size);
    hash.update(piece);
    yield piece;
  }
  if (received < size) {
    throw wrong(`${place} has a blob of ${received} bytes, and its descriptor tells of ${size}`, digest, size);
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== digest) throw wrong(`${place} has a blob of digest ${found} where ${digest} should be`, digest, size);
}

function wrong(message: string, digest: string, size: number): BstError {
  return new BstError("remote", message, {
    reason: "registry-wrong-content",
    detail: `The blob ${digest} of ${size} bytes was asked for. Nothing of it was kept.`,
  });
}

/** All of a small blob, verified. */
export async function wholeOf(source: AsyncIterable<Buffer>, descriptor: Descriptor, place: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of verified(source, descriptor, place)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
