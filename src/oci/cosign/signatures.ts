/** Signatures of images in registries, where cosign keeps and finds them: under a tag made of the image's digest. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { BstError } from "../../base/errors.ts";
import { contentOf, memoryReader } from "../attach.ts";
import { type Descriptor, describeBytes, wholeOf } from "../descriptor.ts";
import { invalidImage } from "../json.ts";
import { isManifest, MAX_CONFIG, readManifest } from "../manifest.ts";
import { CONFIG, MANIFEST } from "../media-types.ts";
import type { Repository } from "../registry/repository.ts";
import { cosignTag } from "../statement-tags.ts";
import { isAbout, isSignatureOf, payloadOf, signatureOf } from "./payload.ts";

const PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";

/**
 * Signs a manifest, unless it is signed with this key. Signatures by others stay.
 * @param key a private one
 * @returns whether a signature was added
 * @throws BstError domain remote or element
 */
export async function signImage(repository: Repository, digest: string, key: KeyObject): Promise<boolean> {
  const before = await read(repository, digest);
  const own = createPublicKey(key);
  for (const layer of before) if (await isSigned(repository, layer, digest, own)) return false;
  const payload = payloadOf(`${repository.host}/${repository.name}`, digest);
  const layer = { ...describeBytes(PAYLOAD, payload), annotations: { [SIGNATURE]: signatureOf(payload, key) } };
  const layers = [...before, layer];
  // What cosign writes there, which tools take for an image.
  const config = Buffer.from(
    JSON.stringify({
      architecture: "",
      created: "0001-01-01T00:00:00Z",
      history: layers.map(() => ({ created: "0001-01-01T00:00:00Z" })),
      os: "",
      rootfs: { type: "layers", diff_ids: layers.map((each) => each.digest) },
      config: {},
    }),
  );
  const source = memoryReader("a signature", [payload, config]);
  const described = describeBytes(CONFIG, config);
  for (const blob of [layer, described]) await repository.upload(blob, () => source.blob(blob));
  const manifest = contentOf({ schemaVersion: 2, mediaType: MANIFEST, config: described, layers });
  await repository.putManifest(cosignTag(digest, "sig"), manifest);
  return true;
}

/**
 * How many signatures of a manifest were made with the private half of a key.
 * @throws BstError domain element, reason image-not-signed, where none was
 */
export async function verifySignatures(repository: Repository, digest: string, key: KeyObject): Promise<number> {
  const layers = await read(repository, digest);
  let count = 0;
  for (const layer of layers) if (await isSigned(repository, layer, digest, key)) count++;
  if (count > 0) return count;
  throw new BstError("element", `${repository.host}/${repository.name}@${digest} is not signed with this key`, {
    reason: "image-not-signed",
    detail: layers.length === 0 ? "It has no signatures." : `It has ${layers.length}, of other keys or other images.`,
  });
}

async function read(repository: Repository, digest: string): Promise<readonly Descriptor[]> {
  const tag = cosignTag(digest, "sig");
  if ((await repository.resolve(tag)) === undefined) return [];
  const content = await repository.manifest(tag);
  if (!isManifest(content.descriptor)) throw invalidImage(`${repository.name}:${tag} holds no signatures`);
  return readManifest(content, `${repository.name}:${tag}`).layers;
}

/** A signature that can't be read is none. */
async function isSigned(repository: Repository, layer: Descriptor, digest: string, key: KeyObject): Promise<boolean> {
  const signature = layer.annotations?.[SIGNATURE];
  if (layer.mediaType !== PAYLOAD || signature === undefined || layer.size > MAX_CONFIG) return false;
  const payload = await wholeOf(repository.blob(layer), layer, repository.name);
  return isSignatureOf(payload, signature, key) && isAbout(payload, digest);
}
