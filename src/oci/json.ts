/** Reads JSON that somebody else wrote. */
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";

export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Nothing that an image has as JSON comes near this; in bytes. */
const MAX_SIZE = 32 << 20;

/** An image that is damaged or of a kind that can't be used. */
export function invalidImage(message: string): BstError {
  return new BstError("element", message, { reason: "oci-invalid-image" });
}

export function readJson(cas: Cas, digest: Digest, name: string): unknown {
  if (digest.size > MAX_SIZE) throw invalidImage(`${name} is too large`);
  try {
    return JSON.parse(cas.read(digest).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidImage(`${name} is no valid JSON: ${error.message}`);
    throw error;
  }
}

export function asObject(value: unknown, name: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidImage(`${name} is no object`);
  return value as JsonObject;
}

export function asArray(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidImage(`${name} is no list`);
  return value;
}

export function asString(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidImage(`${name} is no text`);
  return value;
}
