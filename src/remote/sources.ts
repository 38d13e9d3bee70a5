/** Pulls staged sources from servers, and pushes them: those of elements, and single ones. */
import { decodeSource, encodeSource } from "../artifact/record.ts";
import type { Digest } from "../cas/digest.ts";
import { blobsOfTree, downloadBlobs, downloadTree } from "./transfer.ts";
import { download, lookUp, publish, publishBlob, type TransferTools, upload } from "./transfers.ts";

/**
 * Gets the sources of an element as they are staged together.
 * @param key hash of what the sources contribute to the element's key
 * @returns their tree; undefined where no server has it
 * @throws BstError domain source, where a server fails
 */
export async function pullElementSources(tools: TransferTools, key: string): Promise<Digest | undefined> {
  const { cas, signal } = tools;
  const thing = thingOf(tools, key);
  const digest = await lookUp(tools, thing, (client) => client.fetchBlob([urnOf(key)], signal));
  if (digest === undefined) return undefined;
  return download(tools, thing, async (client) => {
    await downloadBlobs(cas, client, [digest], signal);
    const tree = decodeSource(cas.read(digest));
    await downloadTree(cas, client, tree, signal);
    return tree;
  });
}

/**
 * Sends the sources of an element as they are staged together.
 * @returns whether any server did not know them
 * @throws BstError domain source, where a server fails
 */
export async function pushElementSources(tools: TransferTools, key: string, tree: Digest): Promise<boolean> {
  const { cas } = tools;
  const thing = thingOf(tools, key);
  const digest = cas.write(encodeSource(tree));
  await upload(tools, thing, [...blobsOfTree(cas, tree), digest]);
  const uris = [urnOf(key)];
  return publishBlob(tools, thing, { uris, digest, references: { blobs: [], directories: [tree] } });
}

/**
 * Gets a single source.
 * @param kind of the source
 * @param key hash of what it contributes to keys
 * @returns its tree; undefined where no server has it
 * @throws BstError domain source, where a server fails
 */
export async function pullSource(tools: TransferTools, kind: string, key: string): Promise<Digest | undefined> {
  const { cas, signal } = tools;
  const thing = { ...thingOf(tools, key), server: "Remote source service" };
  const ref = urnOf(`${kind}/${key}`);
  const tree = await lookUp(tools, thing, (client) => client.fetchDirectory([ref], signal));
  if (tree === undefined) return undefined;
  return download(tools, thing, async (client) => {
    await downloadTree(cas, client, tree, signal);
    return tree;
  });
}

/**
 * Sends a single source.
 * @returns whether any server did not know it
 * @throws BstError domain source, where a server fails
 */
export async function pushSource(tools: TransferTools, kind: string, key: string, tree: Digest): Promise<boolean> {
  const { cas, signal } = tools;
  const thing = thingOf(tools, key);
  await upload(tools, thing, blobsOfTree(cas, tree));
  const uris = [urnOf(`${kind}/${key}`)];
  return publish(
    tools,
    thing,
    async (client) => (await client.fetchDirectory(uris, signal)) !== undefined,
    (client) => client.pushDirectory({ uris, digest: tree }, signal),
  );
}

function thingOf({ keyLength }: TransferTools, key: string) {
  return { kind: "source", label: key.slice(0, keyLength) } as const;
}

function urnOf(name: string): string {
  return `urn:fdc:buildstream.build:2020:source:${name}`;
}
