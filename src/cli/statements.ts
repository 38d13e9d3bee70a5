/** What is said of images beside them: lists of their parts, and signatures. */

import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { BstError } from "../base/errors.ts";
import { type Attachment, attach } from "../oci/attach.ts";
import type { Parts } from "../oci/copy.ts";
import { readPrivateKey, readPublicKey } from "../oci/cosign/keys.ts";
import { signImage } from "../oci/cosign/signatures.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { copyReferrers, requireReferrers } from "../oci/referrers.ts";
import type { Repository } from "../oci/registry/repository.ts";
import { type SbomFormat, sbomOf } from "../oci/sbom/formats.ts";
import type { ImageWriter } from "../oci/transport/types.ts";
import type { CommandContext } from "./app.ts";
import { type ImageBench, transfer } from "./images.ts";
import { inventoriesOf } from "./sbom.ts";

/** By the digest of the image that they are about. */
export type Statements = ReadonlyMap<string, Attachment>;

/** Lists of the parts of all images. @throws BstError */
export async function sbomsOf(
  { signal }: CommandContext,
  { images, artifacts }: ImageBench,
  format: SbomFormat | undefined,
): Promise<Statements> {
  const found = new Map<string, Attachment>();
  if (format === undefined || artifacts === undefined) return found;
  for (const { reader, subject } of images) {
    if (subject === undefined) continue;
    const options = { files: true, buildDeps: false, signal };
    for (const [digest, inventory] of await inventoriesOf(artifacts, subject, reader, options)) {
      found.set(digest, sbomOf(inventory, format));
    }
  }
  return found;
}

/**
 * Writes what there is to say about the parts of an image that was written.
 * @returns what holds it
 * @throws BstError
 */
export async function attachAll(
  { reporter }: CommandContext,
  writer: ImageWriter,
  { root, manifests }: Parts,
  statements: Statements,
): Promise<readonly Descriptor[]> {
  const written: Descriptor[] = [];
  for (const { descriptor } of [root, ...manifests]) {
    const statement = statements.get(descriptor.digest);
    if (statement === undefined) continue;
    const referrer = await attach(writer, descriptor, statement);
    written.push(referrer);
    const text = `${referrer.digest} at ${writer.name} lists the parts of ${descriptor.digest} (${statement.mediaType})`;
    reporter.emit({ type: "info", text });
  }
  return written;
}

/** Copies an image, and what is said of it if that is wanted. @returns the digest. @throws BstError */
export async function transferWith(
  referrers: boolean,
  ...[context, action, image, writer, select]: Parameters<typeof transfer>
): Promise<string> {
  const { reporter, signal } = context;
  const parts = async () => transfer(context, action, image, writer, select);
  if (!referrers) return (await parts()).root.descriptor.digest;
  requireReferrers(writer);
  const copied = await parts();
  for (const [digest, subject] of await copyReferrers(image.reader, writer, copied, signal)) {
    reporter.emit({ type: "info", text: `${digest}, which says something of ${subject}, was copied as well` });
  }
  return copied.root.descriptor.digest;
}

/** @param file path of a key, relative to the current folder. @throws BstError domain app, reason invalid-signing-key */
export function privateKeyAt(context: CommandContext, file: string): KeyObject {
  return readPrivateKey(textAt(context, file), file, process.env["COSIGN_PASSWORD"]);
}

/** @throws BstError domain app, reason invalid-signing-key */
export function publicKeyAt(context: CommandContext, file: string): KeyObject {
  return readPublicKey(textAt(context, file), file);
}

/** @throws BstError */
export async function signAndTell(
  { reporter }: CommandContext,
  repository: Repository,
  digest: string,
  key: KeyObject,
): Promise<void> {
  const isNew = await signImage(repository, digest, key);
  const place = `${repository.host}/${repository.name}@${digest}`;
  reporter.emit({ type: "info", text: isNew ? `${place} is signed` : `${place} was signed with this key before` });
}

function textAt({ cwd }: CommandContext, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new BstError("app", `The key ${file} can't be read: ${error instanceof Error ? error.message : error}`, {
      reason: "invalid-signing-key",
    });
  }
}
