/** Which servers are asked: what the command line, the user configuration and projects say, project by project. */
import { activity } from "../base/activity.ts";
import type { EventSink } from "../base/messages.ts";
import type { Project } from "../project/project.ts";
import { cacheServers, type RemoteConfig } from "../project/remotes.ts";
import type { UserConfig } from "../project/user-config.ts";
import type { CasClient } from "../remote/cas-client.ts";
import { connectStorage, identityOf, RemoteCache } from "../remote/remote-cache.ts";

/** What the command line says about the servers of one kind of cache. */
export interface RemoteChoice {
  /** Servers in place of those that the user configuration has. */
  readonly servers: readonly RemoteConfig[];
  /** Whether those that projects recommend do not count. */
  readonly ignoreProjectServers: boolean;
}

/** The caches that a command is to use servers of. */
export interface RemoteWishes {
  readonly artifacts?: RemoteChoice;
  readonly sources?: RemoteChoice;
}

export interface Remotes {
  readonly artifacts: RemoteCache;
  readonly sources: RemoteCache;
  /** The server that the cache itself is kept on. */
  readonly storage: CasClient | undefined;
  /** What is configured for each project, for headings. */
  readonly configured: {
    readonly artifacts: ReadonlyMap<string, readonly RemoteConfig[]>;
    readonly sources: ReadonlyMap<string, readonly RemoteConfig[]>;
  };
}

interface RemoteTools {
  readonly config: UserConfig;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/**
 * Connects to what is configured. A server that can't be used is a warning.
 * @param projects all that are loaded
 * @param further names of projects that artifacts are of, which need not be loaded
 */
export async function connectRemotes(
  { config, events, signal }: RemoteTools,
  projects: readonly Project[],
  further: readonly string[],
  wishes: RemoteWishes,
): Promise<Remotes> {
  const named = new Map<string, Project | undefined>(further.map((name) => [name, undefined]));
  for (const project of projects) named.set(project.name, project);
  const configs = (kind: CacheKind, choice: RemoteChoice | undefined) =>
    new Map(
      [...named].map(([name, project]) => [
        name,
        choice === undefined ? [] : distinct(serversOf(config, kind, name, project, choice)),
      ]),
    );
  const configured = {
    artifacts: configs("artifacts", wishes.artifacts),
    sources: configs("source-caches", wishes.sources),
  };
  const options = {
    signal,
    onFailure: ({ url }: RemoteConfig, { message }: Error) =>
      events.emit({ type: "warn", task: "main", text: `Failed to initialize remote ${url}: ${message}` }),
  };
  const { storageService } = config.cache;
  const connect = async () => {
    const [artifacts, sources, storage] = await Promise.all([
      RemoteCache.connect(configured.artifacts, options),
      RemoteCache.connect(configured.sources, options),
      storageService && connectStorage(storageService, options),
    ]);
    return { artifacts, sources, storage, configured };
  };
  const isAny =
    storageService !== undefined ||
    [...configured.artifacts.values(), ...configured.sources.values()].some((list) => list.length > 0);
  return isAny ? activity(events, "Connecting to servers", connect) : connect();
}

type CacheKind = "artifacts" | "source-caches";

/** Servers of the command line come before those of the user configuration, and these before those of projects. */
function serversOf(
  config: UserConfig,
  kind: CacheKind,
  name: string,
  project: Project | undefined,
  { servers, ignoreProjectServers }: RemoteChoice,
): readonly RemoteConfig[] {
  const global = kind === "artifacts" ? config.artifacts : config.sourceCaches;
  const own = cacheServers(config.projectOverrides(name).mapping(kind));
  const users = [servers, own.servers, global.servers].find((list) => list.length > 0) ?? [];
  if (ignoreProjectServers || own.overrideProjectCaches || global.overrideProjectCaches) return users;
  const recommended: RemoteConfig[] = [];
  // What a project recommends for itself counts for its subprojects as well, and before what they say.
  for (let each = project; each !== undefined; each = each.parent) {
    const { artifactServers, sourceServers } = each.resolved;
    recommended.unshift(...(kind === "artifacts" ? artifactServers : sourceServers));
  }
  return [...users, ...recommended];
}

function distinct(configs: readonly RemoteConfig[]): RemoteConfig[] {
  const seen = new Map<string, RemoteConfig>();
  for (const each of configs) if (!seen.has(identityOf(each))) seen.set(identityOf(each), each);
  return [...seen.values()];
}
