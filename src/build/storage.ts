/** The storage service of the cache: a server that gets what is made here, and has what was removed here. */
import pLimit from "p-limit";
import type { ArtifactRecord } from "../artifact/record.ts";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Element } from "../project/element.ts";
import { contentOf, downloadContent } from "../remote/artifacts.ts";
import type { CasClient } from "../remote/cas-client.ts";
import { BlobNotFound, blobsOfTree, downloadTree, uploadBlobs } from "../remote/transfer.ts";
import type { Session } from "./session.ts";
import type { TransferSession } from "./transfers.ts";

/** Sends an artifact that was built or pulled. @throws BstError, where the server fails */
export async function keepArtifact(
  { remotes, caches }: TransferSession,
  record: ArtifactRecord | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { storage } = remotes ?? {};
  if (storage === undefined || record === undefined) return;
  // Only what is here: of what was pulled, build trees may not be.
  const { buildTree, sources, buildRoot, buildSandbox, ...rest } = record;
  const isWhole = [buildTree, sources, buildRoot].every((tree) => tree === undefined || caches.cas.hasTree(tree));
  const none = { buildTree: undefined, sources: undefined, buildRoot: undefined, buildSandbox: undefined };
  await uploadBlobs(caches.cas, storage, contentOf(caches.cas, isWhole ? record : { ...rest, ...none }), signal);
}

/** Sends the sources of an element. @throws BstError, where the server fails */
export async function keepSources({ remotes, caches }: Session, tree: Digest, signal: AbortSignal): Promise<void> {
  const { storage } = remotes ?? {};
  if (storage !== undefined) await uploadBlobs(caches.cas, storage, blobsOfTree(caches.cas, tree), signal);
}

/** Gets artifacts of elements that are known here, and whose content the server has. */
export async function restoreArtifacts(session: Session, elements: readonly Element[]): Promise<void> {
  const { remotes, states, config } = session;
  const { storage } = remotes ?? {};
  if (storage === undefined) return;
  const limit = pLimit(config.scheduler.fetchers);
  const missing = elements.filter((element) => states.of(element).artifact === undefined);
  const restored = await Promise.all(missing.map((element) => limit(() => restoreArtifact(session, storage, element))));
  if (restored.includes(true)) states.clear();
}

async function restoreArtifact(session: Session, storage: CasClient, element: Element): Promise<boolean> {
  const { states, caches, signal, config } = session;
  const { projectName: project, normalName } = element;
  for (const key of states.keysOf(element)) {
    const record = caches.artifacts.peek({ project, normalName, key });
    if (record === undefined) continue;
    const options = { buildTrees: config.cache.pullBuildtrees };
    const restore = () => downloadContent(caches.cas, storage, record, options, signal);
    if (await succeeds(session, restore)) return true;
  }
  return false;
}

/** Gets the sources of an element that are known here, and whose content the server has. */
export async function restoreSources(session: Session, element: Element, signal: AbortSignal): Promise<void> {
  const { remotes, states, caches } = session;
  const { storage } = remotes ?? {};
  const tree = storage && caches.sources.peek(states.sourcesKey(element));
  if (storage === undefined || tree === undefined) return;
  await succeeds(session, () => downloadTree(caches.cas, storage, tree, signal));
}

/** What can't be had from the server is built or fetched instead. */
async function succeeds({ events }: Session, restore: () => Promise<void>): Promise<boolean> {
  try {
    await restore();
    return true;
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    if (!(error instanceof BlobNotFound)) {
      events.emit({ type: "warn", task: "main", text: `The storage service failed: ${error.message}` });
    }
    return false;
  }
}
