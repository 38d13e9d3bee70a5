/** The servers of one kind of cache, artifacts or sources: connected once, and chosen by project. */
import { BstError } from "../base/errors.ts";
import type { RemoteConfig } from "../project/remotes.ts";
import { AssetClient } from "./asset-client.ts";
import { CasClient } from "./cas-client.ts";
import { Connection } from "./connection.ts";

/** Where names are looked up, and where the blobs are that they stand for; in the order in which they are asked. */
export interface Servers {
  readonly index: readonly AssetClient[];
  readonly storage: readonly CasClient[];
}

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** Told of servers that can't be used. */
  readonly onFailure: (config: RemoteConfig, error: BstError) => void;
}

interface Pair {
  readonly index: AssetClient | undefined;
  readonly storage: CasClient | undefined;
}

export class RemoteCache {
  readonly #configs: ReadonlyMap<string, readonly RemoteConfig[]>;
  readonly #pairs: ReadonlyMap<string, Pair>;
  readonly #canPull: boolean;
  readonly #canPush: boolean;

  /**
   * Connects to each server once. Those that don't answer, or lack a service, are left out.
   * @param configs by project, first those to be asked first
   */
  static async connect(
    configs: ReadonlyMap<string, readonly RemoteConfig[]>,
    options: ConnectOptions,
  ): Promise<RemoteCache> {
    const distinct = new Map([...configs.values()].flat().map((config) => [identityOf(config), config]));
    const pairs = await Promise.all(
      [...distinct].map(async ([identity, config]) => [identity, config, await connectPair(config, options)] as const),
    );
    return new RemoteCache(configs, pairs);
  }

  private constructor(
    configs: ReadonlyMap<string, readonly RemoteConfig[]>,
    pairs: readonly (readonly [identity: string, config: RemoteConfig, pair: Pair])[],
  ) {
    this.#configs = configs;
    this.#pairs = new Map(pairs.map(([identity, , pair]) => [identity, pair]));
    const isServed = (pairs: readonly Pair[]) =>
      pairs.some(({ index }) => index) && pairs.some(({ storage }) => storage);
    this.#canPull = isServed(pairs.map(([, , pair]) => pair));
    this.#canPush = isServed(pairs.filter(([, { push }]) => push).map(([, , pair]) => pair));
  }

  /** Whether there is a project of which something can be pulled. */
  get canPull(): boolean {
    return this.#canPull;
  }

  get canPush(): boolean {
    return this.#canPush;
  }

  /** Undefined where nothing of a project can be pulled. */
  forPulling(project: string): Servers | undefined {
    return this.#canPull ? this.#servers(this.#configs.get(project) ?? []) : undefined;
  }

  /** Undefined where nothing of a project can be pushed. */
  forPushing(project: string): Servers | undefined {
    if (!this.#canPush) return undefined;
    return this.#servers((this.#configs.get(project) ?? []).filter(({ push }) => push));
  }

  #servers(configs: readonly RemoteConfig[]): Servers | undefined {
    const pairs = configs.flatMap((config) => this.#pairs.get(identityOf(config)) ?? []);
    const index = pairs.flatMap((pair) => pair.index ?? []);
    const storage = pairs.flatMap((pair) => pair.storage ?? []);
    return index.length > 0 && storage.length > 0 ? { index, storage } : undefined;
  }
}

async function connectPair(config: RemoteConfig, { signal, onFailure }: ConnectOptions): Promise<Pair> {
  const { type, push } = config;
  let connection: Connection | undefined;
  try {
    connection = await Connection.open(config);
    const index = type === "storage" ? undefined : new AssetClient(connection);
    const storage = type === "index" ? undefined : new CasClient(connection);
    await Promise.all([index?.connect(push, signal), storage?.connect(signal)]);
    return { index, storage };
  } catch (error) {
    connection?.close();
    if (!(error instanceof BstError)) throw error;
    onFailure(config, error);
    return { index: undefined, storage: undefined };
  }
}

/** A server that keeps blobs alone; undefined where it can't be used. */
export async function connectStorage(config: RemoteConfig, options: ConnectOptions): Promise<CasClient | undefined> {
  return (await connectPair({ ...config, type: "storage" }, options)).storage;
}

/** Servers are the same where everything but the place of their declaration is. */
export function identityOf({ provenance: _, ...config }: RemoteConfig): string {
  return JSON.stringify(config);
}
