/** What `remote-apis-socket` in an element's sandbox stands for: the cache of this machine, served to its commands. */
import { dirname } from "node:path";
import type { Cas } from "../cas/store.ts";
import type { SandboxConfig } from "../project/sandbox-config.ts";
import { serveCache } from "../remote/server/server.ts";
import type { SandboxSocket } from "../sandbox/sandbox.ts";

/** Undefined where commands want none. */
export function remoteApisSocket(cas: Cas, { remoteApisSocket: wanted }: SandboxConfig): SandboxSocket | undefined {
  if (wanted === undefined || wanted.path === "") return undefined;
  // Where BuildStream keeps them, too.
  const actionCache = `${dirname(cas.root)}/actioncache`;
  return {
    path: wanted.path,
    serve: (hostPath) => serveCache(hostPath, { cas, actionCache, allowsUpdates: wanted.actionCacheEnableUpdate }),
  };
}
