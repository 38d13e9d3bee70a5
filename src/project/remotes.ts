/** Servers of caches and of remote execution, as configurations declare them. */
import { join } from "node:path";
import type { MappingNode } from "../yaml/node.ts";
import { expandHome } from "./user-paths.ts";

/** How to talk to a server; what is undefined is left to the client. */
interface RemoteConnection {
  /** Seconds. */
  readonly keepaliveTime?: number | undefined;
  readonly retryLimit?: number | undefined;
  /** Milliseconds. */
  readonly retryDelay?: number | undefined;
  /** Seconds. */
  readonly requestTimeout?: number | undefined;
}

export interface RemoteConfig {
  readonly url: string;
  /** `endpoint` is what services of remote execution are. */
  readonly type: "index" | "storage" | "endpoint" | "all";
  readonly push: boolean;
  readonly instanceName?: string | undefined;
  /** Paths of files. */
  readonly serverCert?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly accessToken?: string | undefined;
  /** Minutes. */
  readonly accessTokenReloadInterval?: number | undefined;
  readonly connection: RemoteConnection;
  /** Where it is declared. */
  readonly provenance: string;
}

export interface RemoteExecutionConfig {
  readonly execution: RemoteConfig | undefined;
  readonly storage: RemoteConfig | undefined;
  readonly actionCache: RemoteConfig | undefined;
}

/** The servers of one kind of cache. */
export interface CacheServers {
  /** Whether those that projects recommend do not count. */
  readonly overrideProjectCaches: boolean;
  readonly servers: readonly RemoteConfig[];
}

interface RemoteOptions {
  /** Folder that paths are relative to. */
  readonly baseDirectory?: string;
  readonly purpose?: "cache" | "action-cache" | "service";
}

const TYPES = ["index", "storage", "endpoint", "all"] as const;
const AUTH_KEYS = new Set(["server-cert", "client-key", "client-cert", "access-token", "access-token-reload-interval"]);

/** @throws LoadError invalid-data */
export function remoteConfig(node: MappingNode, options: RemoteOptions = {}): RemoteConfig {
  const { baseDirectory, purpose = "cache" } = options;
  const valid = new Set(["url", "instance-name", "auth", "connection-config"]);
  if (purpose === "cache") valid.add("type");
  if (purpose !== "service") valid.add("push");
  const type = purpose === "cache" ? (node.enum("type", TYPES) ?? "all") : "endpoint";
  const push = purpose === "service" ? false : (node.bool("push") ?? false);
  node.validateKeys(valid);
  const url = node.required("url", node.scalar("url"));
  if (url.value === "") throw url.error("The URL of a server cannot be empty");
  const connection = node.mapping("connection-config");
  return {
    url: url.value,
    type,
    push,
    instanceName: node.string("instance-name"),
    ...authentication(node.mapping("auth"), baseDirectory),
    connection: {
      keepaliveTime: connection?.int("keepalive-time"),
      retryLimit: connection?.int("retry-limit"),
      retryDelay: connection?.int("retry-delay"),
      requestTimeout: connection?.int("request-timeout"),
    },
    provenance: node.provenance,
  };
}

function authentication(node: MappingNode | undefined, baseDirectory: string | undefined): Partial<RemoteConfig> {
  if (node === undefined) return {};
  node.validateKeys(AUTH_KEYS);
  const path = (key: string) => {
    const text = node.string(key);
    if (text === undefined || text === "") return undefined;
    const expanded = expandHome(text);
    return baseDirectory === undefined || expanded.startsWith("/") ? expanded : join(baseDirectory, expanded);
  };
  for (const [key, other] of [
    ["client-key", "client-cert"],
    ["client-cert", "client-key"],
  ] as const) {
    if (path(key) !== undefined && path(other) === undefined) {
      throw (node.get(key) ?? node).error(`'${key}' is of no use without '${other}'`);
    }
  }
  return {
    serverCert: path("server-cert"),
    clientKey: path("client-key"),
    clientCert: path("client-cert"),
    accessToken: path("access-token"),
    accessTokenReloadInterval: node.int("access-token-reload-interval"),
  };
}

export function cacheServers(node: MappingNode | undefined): CacheServers {
  node?.validateKeys(new Set(["override-project-caches", "servers"]));
  return {
    overrideProjectCaches: node?.bool("override-project-caches") ?? false,
    servers: (node?.sequence("servers")?.mappings() ?? []).map((server) => remoteConfig(server)),
  };
}

/** @param hasStorage whether the `cache` section has a storage service, which remote execution can use */
export function remoteExecutionConfig(node: MappingNode, hasStorage: boolean): RemoteExecutionConfig {
  node.validateKeys(new Set(["execution-service", "storage-service", "action-cache-service"]));
  const execution = node.mapping("execution-service");
  const storage = node.mapping("storage-service");
  const actionCache = node.mapping("action-cache-service");
  if (storage === undefined && !hasStorage) throw node.error("Remote execution needs a 'storage-service'");
  if (execution === undefined && actionCache === undefined) {
    throw node.error("Remote execution needs an 'execution-service' or an 'action-cache-service'");
  }
  return {
    execution: execution && remoteConfig(execution, { purpose: "service" }),
    storage: storage && remoteConfig(storage, { purpose: "service" }),
    actionCache: actionCache && remoteConfig(actionCache, { purpose: "action-cache" }),
  };
}
