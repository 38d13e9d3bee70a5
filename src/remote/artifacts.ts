/** Pulls artifacts from servers, and pushes them. */
import { type ArtifactRecord, decodeArtifact, encodeArtifact } from "../artifact/record.ts";
import { type ArtifactName, formatRef } from "../artifact/refs.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { CasClient } from "./cas-client.ts";
import { blobsOfTree, downloadBlobs, downloadTree } from "./transfer.ts";
import { download, lookUp, publishBlob, type TransferTools, upload } from "./transfers.ts";

export interface ArtifactTools extends TransferTools {
  readonly store: ArtifactStore;
}

export interface PullOptions {
  /** Whether what the build left is wanted, too, as far as the artifact has it. */
  readonly buildTrees: boolean;
}

/**
 * Gets an artifact with all that belongs to it; it becomes known under its strong and weak key when it is whole.
 * @returns undefined where no server has it
 * @throws BstError domain artifact, where a server fails
 */
export async function pullArtifact(
  tools: ArtifactTools,
  name: ArtifactName,
  { buildTrees }: PullOptions,
): Promise<ArtifactRecord | undefined> {
  const { cas, store, signal, keyLength } = tools;
  const thing = { kind: "artifact", label: name.key.slice(0, keyLength) } as const;
  const digest = await lookUp(tools, thing, (client) => client.fetchBlob([urnOf(name)], signal));
  if (digest === undefined) return undefined;
  return download(tools, thing, async (client) => {
    await downloadBlobs(cas, client, [digest], signal);
    const record = decodeArtifact(cas.read(digest));
    await downloadContent(cas, client, record, { buildTrees }, signal);
    store.put(name, record);
    return record;
  });
}

/**
 * Sends an artifact that is in the store, and makes it known under its strong and weak key.
 * @returns whether any server did not know it
 * @throws BstError domain artifact, where a server fails, with reason cache-too-full where it has no space left
 */
export async function pushArtifact(
  tools: ArtifactTools,
  { project, normalName }: Omit<ArtifactName, "key">,
  record: ArtifactRecord,
): Promise<boolean> {
  const { cas, keyLength } = tools;
  const thing = { kind: "artifact", label: record.strongKey.slice(0, keyLength) } as const;
  const digest = cas.write(encodeArtifact(record));
  const directories = [...filesOf(record), ...buildTreesOf(record)];
  const blobs = blobsOf(record);
  await upload(tools, thing, [...contentOf(cas, record), digest]);
  const keys = [...new Set([record.strongKey, record.weakKey])];
  const uris = keys.map((key) => urnOf({ project, normalName, key }));
  return publishBlob(tools, thing, { uris, digest, references: { blobs, directories } });
}

/** Whether a server says that it has an artifact. @throws RpcError */
export async function isPullable(
  { servers, signal }: Pick<TransferTools, "servers" | "signal">,
  name: ArtifactName,
): Promise<boolean> {
  for (const client of servers.index) {
    if ((await client.fetchBlob([urnOf(name)], signal)) !== undefined) return true;
  }
  return false;
}

/** What the build left, as far as it was kept. */
export function buildTreesOf({ buildTree, sources, buildRoot, buildSandbox }: ArtifactRecord): Digest[] {
  const trees = [buildTree, sources, buildRoot, ...(buildSandbox?.subsandboxes ?? [])];
  return trees.filter((tree) => tree !== undefined);
}

/** All that an artifact refers to, which must be in the store. */
export function contentOf(cas: Cas, record: ArtifactRecord): Digest[] {
  const trees = [...filesOf(record), ...buildTreesOf(record)];
  return [...trees.flatMap((tree) => blobsOfTree(cas, tree)), ...blobsOf(record)];
}

/** Gets what the store does not have of what an artifact refers to. @throws as downloadTree does */
export async function downloadContent(
  cas: Cas,
  client: CasClient,
  record: ArtifactRecord,
  { buildTrees }: PullOptions,
  signal: AbortSignal,
): Promise<void> {
  await downloadBlobs(cas, client, blobsOf(record), signal);
  const trees = buildTrees ? [...filesOf(record), ...buildTreesOf(record)] : filesOf(record);
  for (const tree of trees) await downloadTree(cas, client, tree, signal);
}

function filesOf({ files }: ArtifactRecord): Digest[] {
  return files === undefined ? [] : [files];
}

/** Metadata and logs. */
function blobsOf({ publicData, lowDiversityMeta, highDiversityMeta, logs }: ArtifactRecord): Digest[] {
  return [lowDiversityMeta, highDiversityMeta, ...logs.map(({ digest }) => digest), publicData];
}

function urnOf(name: ArtifactName): string {
  return `urn:fdc:buildstream.build:2020:artifact:${formatRef(name)}`;
}
