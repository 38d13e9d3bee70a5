/** Reads JSON that somebody else wrote. */
import { BstError } from "../base/errors.ts";
import { harmlessLine } from "../base/harmless.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";

export interface JsonObject {
  readonly [key: string]: unknown;
}

/** Nothing that an image has as JSON comes near this; in bytes. */
const MAX_SIZE = 32 << 20;

/** Nor is it nested like this: whoever walks through it, or writes it, would run out of stack. */
const MAX_DEPTH = 64;

/** An image that is damaged or of a kind that can't be used. */
export function invalidImage(message: string): BstError {
  return new BstError("element", harmlessLine(message), { reason: "oci-invalid-image" });
}

export function readJson(cas: Cas, digest: Digest, name: string): unknown {
  if (digest.size > MAX_SIZE) throw invalidImage(`${name} is too large`);
  return parseJson(cas.read(digest), name);
}

/** @throws BstError domain element, reason oci-invalid-image */
export function parseJson(bytes: Buffer, name: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidImage(`${name} is no valid JSON: ${error.message}`);
  }
  if (isDeeper(value, MAX_DEPTH)) throw invalidImage(`${name} is nested more than ${MAX_DEPTH} deep`);
  return value;
}

function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return most === 0 || Object.values(value).some((each) => isDeeper(each, most - 1));
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
