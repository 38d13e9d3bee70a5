/** What pulling and pushing have in common, be it of artifacts or of sources: which server is asked when, and what is said. */
import { BstError } from "../base/errors.ts";
import type { DisplayKey, Messenger } from "../base/messages.ts";
import { type Digest, sameDigest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { AssetClient } from "./asset-client.ts";
import type { CasClient } from "./cas-client.ts";
import { RpcError } from "./connection.ts";
import type { Asset } from "./messages.ts";
import type { Servers } from "./remote-cache.ts";
import { BlobNotFound, uploadBlobs } from "./transfer.ts";

export interface TransferTools {
  readonly cas: Cas;
  readonly servers: Servers;
  readonly messenger: Messenger;
  readonly signal: AbortSignal;
  /** The element that messages are about. */
  readonly about: { readonly element: string; readonly key?: DisplayKey };
  /** How many digits of keys are shown. */
  readonly keyLength: number;
}

/** Names an artifact or a source in messages. */
export interface Thing {
  readonly kind: "artifact" | "source";
  /** The first digits of its key. */
  readonly label: string;
  /** What a server that does not know it is called. */
  readonly server?: string;
}

/** Whether an error is of a server, and others may be asked instead. */
function isServers(error: unknown): error is BstError {
  if (error instanceof RpcError) return true;
  // Not where there is no space left here.
  return error instanceof BstError && error.domain === "cas" && error.reason === null;
}

/**
 * Asks one server after the other what a name stands for.
 * @returns undefined where none of them knows it
 * @throws BstError where none knows it, and one could not be asked
 */
export async function lookUp(
  tools: TransferTools,
  thing: Thing,
  ask: (client: AssetClient) => Promise<Digest | undefined>,
): Promise<Digest | undefined> {
  const { kind, label, server = "Remote" } = thing;
  const errors: BstError[] = [];
  for (const client of tools.servers.index) {
    say(tools, "status", `Asking ${client.url} for ${kind} ${label}`);
    try {
      const digest = await ask(client);
      if (digest !== undefined) return digest;
      say(tools, "info", `${server} (${client.url}) does not have ${kind} ${label} cached`);
    } catch (error) {
      if (!isServers(error)) throw error;
      say(tools, "warn", `${client.url} failed: ${error.message}`);
      errors.push(error);
    }
  }
  if (errors.length > 0) throw failure("pull", thing, errors);
  return undefined;
}

/**
 * Downloads from the first server that has all of it.
 * @returns undefined where none has all of it
 * @throws BstError where none has all of it, and one failed
 */
export async function download<T>(
  tools: TransferTools,
  thing: Thing,
  from: (client: CasClient) => Promise<T>,
): Promise<T | undefined> {
  const { kind, label } = thing;
  const errors: BstError[] = [];
  for (const client of tools.servers.storage) {
    say(tools, "status", `Downloading ${kind} ${label} <- ${client.url}`);
    try {
      const result = await from(client);
      say(tools, "info", `Pulled ${kind} ${label} <- ${client.url}`);
      return result;
    } catch (error) {
      if (error instanceof BlobNotFound) {
        say(
          tools,
          "info",
          `${client.url} does not have all of ${kind} ${label}: the blob ${error.digest.hash} is missing`,
        );
        continue;
      }
      if (!isServers(error)) throw error;
      say(tools, "warn", `${client.url} failed: ${error.message}`);
      errors.push(error);
    }
  }
  if (errors.length > 0) throw failure("pull", thing, errors);
  return undefined;
}

/**
 * Sends blobs to all servers that keep blobs.
 * @throws BstError where one fails, with reason cache-too-full where it has no space left
 */
export async function upload(tools: TransferTools, thing: Thing, blobs: readonly Digest[]): Promise<void> {
  const { kind, label } = thing;
  for (const client of tools.servers.storage) {
    say(tools, "status", `Uploading ${kind} ${label} -> ${client.url}`);
    try {
      await uploadBlobs(tools.cas, client, blobs, tools.signal);
    } catch (error) {
      if (!isServers(error) && !(error instanceof BstError && error.reason === "cache-too-full")) throw error;
      throw failure("push", thing, [error], client.url);
    }
  }
}

/**
 * Gives a name to what was sent, on all servers that keep names and don't have it yet.
 * @param isKnown whether a server knows the name, and for the same
 * @returns whether any server was told
 */
export async function publish(
  tools: TransferTools,
  thing: Thing,
  isKnown: (client: AssetClient) => Promise<boolean>,
  push: (client: AssetClient) => Promise<void>,
): Promise<boolean> {
  const { kind, label } = thing;
  let isPushed = false;
  for (const client of tools.servers.index) {
    say(tools, "status", `Naming ${kind} ${label} -> ${client.url}`);
    try {
      if (await isKnown(client)) {
        say(tools, "info", `Remote (${client.url}) already has ${kind} ${label} cached`);
        continue;
      }
      await push(client);
    } catch (error) {
      if (!isServers(error)) throw error;
      throw failure("push", thing, [error], client.url);
    }
    say(tools, "info", `Pushed ${kind} ${label} -> ${client.url}`);
    isPushed = true;
  }
  return isPushed;
}

/** {@link publish} for a message of its own that was sent: a server knows it where the name stands for the same bytes. */
export function publishBlob(tools: TransferTools, thing: Thing, asset: Asset): Promise<boolean> {
  const { signal } = tools;
  return publish(
    tools,
    thing,
    async (client) => {
      const known = await client.fetchBlob(asset.uris, signal);
      return known !== undefined && sameDigest(known, asset.digest);
    },
    (client) => client.pushBlob(asset, signal),
  );
}

function say({ messenger, about }: TransferTools, type: "status" | "info" | "warn", text: string): void {
  messenger.emit({ type, text, ...about });
}

/** What the job fails with; it is tried again where that may help. */
function failure(verb: "pull" | "push", { kind, label }: Thing, errors: readonly BstError[], url?: string): BstError {
  const [first] = errors;
  const isFull = errors.some(({ reason }) => reason === "cache-too-full");
  const options = {
    detail: errors.map(({ message }) => message).join("\n"),
    temporary: errors.some(({ temporary, domain }) => temporary || (domain === "cas" && !isFull)),
    cause: first,
  };
  const text = `Failed to ${verb} ${kind} ${label}${url === undefined ? "" : ` -> ${url}`}`;
  return kind === "artifact"
    ? new BstError("artifact", text, { reason: isFull ? "cache-too-full" : null, ...options })
    : new BstError("source", text, { reason: isFull ? "cache-too-full" : null, ...options });
}
