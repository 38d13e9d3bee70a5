/** What says something about an image (signatures, lists of its parts): asked of the registry, or kept under a tag. */
import { BstError } from "../../base/errors.ts";
import { type Content, type Descriptor, describeBytes } from "../descriptor.ts";
import { ACCEPTED, MAX_MANIFEST, parse, readIndex } from "../manifest.ts";
import { INDEX } from "../media-types.ts";
import { referrersTag } from "../statement-tags.ts";
import { urlOf } from "./http.ts";
import type { RegistrySession } from "./session.ts";

const MAX_PAGES = 100;

/** @throws BstError domain remote */
export async function listReferrers(session: RegistrySession, digest: string): Promise<readonly Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const asked = new Set<string>();
  let at: string | URL = `referrers/${digest}`;
  for (let page = 0; page < MAX_PAGES; page++) {
    const headers = { accept: INDEX };
    const answer = await session.ask({ method: "GET", at, headers, ok: [200, 400, 404, 405] }, MAX_MANIFEST);
    // A registry that does not know the question may answer it with anything.
    if (answer.status !== 200 || !answer.header("content-type")?.includes("image.index")) {
      return page === 0 ? await readTag(session, digest) : [...found.values()];
    }
    for (const entry of indexed(answer.body, digest)) found.set(entry.digest, entry);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.header("link") ?? "")?.[1];
    if (next === undefined) break;
    at = urlOf(next, new URL(`v2/${session.repository}/referrers/${digest}`, await session.base()));
    if (asked.has(at.href)) break;
    asked.add(at.href);
  }
  return [...found.values()];
}

/** Adds a manifest to what is kept under the tag of its subject, for a registry that does not do so by itself. */
export async function addReferrer(session: RegistrySession, subject: string, content: Content): Promise<void> {
  const known = await readTag(session, subject);
  if (known.some(({ digest }) => digest === content.descriptor.digest)) return;
  const { artifactType, config, annotations } = parse(content.bytes, "The manifest") as {
    readonly artifactType?: string;
    readonly config?: { readonly mediaType?: string };
    readonly annotations?: Readonly<Record<string, string>>;
  };
  const type = artifactType ?? config?.mediaType;
  const entry = { ...content.descriptor, ...(type && { artifactType: type }), ...(annotations && { annotations }) };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...known, entry] };
  await session.ask({
    method: "PUT",
    at: `manifests/${referrersTag(subject)}`,
    headers: { "content-type": INDEX },
    body: Buffer.from(JSON.stringify(index)),
    ok: [200, 201, 202],
  });
}

async function readTag(session: RegistrySession, subject: string): Promise<readonly Descriptor[]> {
  const at = `manifests/${referrersTag(subject)}`;
  const answer = await session.ask({ method: "GET", at, headers: { accept: ACCEPTED }, ok: [200, 404] }, MAX_MANIFEST);
  return answer.status === 200 ? indexed(answer.body, subject) : [];
}

/** Nothing for what is no index. */
function indexed(bytes: Buffer, subject: string): readonly Descriptor[] {
  try {
    return readIndex({ descriptor: describeBytes(INDEX, bytes), bytes }, `The referrers of ${subject}`).manifests;
  } catch (error) {
    if (error instanceof BstError) return [];
    throw error;
  }
}
