/** The schema of the user configuration. */
import { bool, type JsonSchema, listOf, oneOf, record, text, textList } from "../base/schema.ts";
import { mirrors } from "./project.ts";
import { actionCache, cacheServer, service } from "./servers.ts";

const caches = record({ "override-project-caches": bool, servers: listOf(cacheServer) });
const remoteExecution = record({
  "execution-service": service,
  "storage-service": service,
  "action-cache-service": actionCache,
});
const policy = record({ source: oneOf("all", "aliases", "mirrors", "user") });

export const userConfigSchema: JsonSchema = record({
  cachedir: text,
  sourcedir: text,
  logdir: text,
  workspacedir: text,
  cache: record({
    quota: text,
    "reserved-disk-space": text,
    "low-watermark": text,
    "storage-service": cacheServer,
    "pull-buildtrees": bool,
    "cache-buildtrees": oneOf("always", "auto", "never"),
  }),
  scheduler: record({
    fetchers: text,
    builders: text,
    pushers: text,
    "network-retries": text,
    "on-error": oneOf("continue", "quit", "terminate"),
  }),
  build: record({ "max-jobs": text, "retry-failed": bool, dependencies: oneOf("none", "run", "all") }),
  fetch: policy,
  track: policy,
  logging: record({
    "key-length": text,
    verbose: bool,
    "error-lines": text,
    "message-lines": text,
    debug: bool,
    "element-format": text,
    "message-format": text,
    "throttle-ui-updates": bool,
  }),
  artifacts: caches,
  "source-caches": caches,
  "remote-execution": remoteExecution,
  "plugin-paths": textList,
  projects: {
    type: "object",
    additionalProperties: record({
      artifacts: caches,
      "source-caches": caches,
      options: { type: "object" },
      strict: bool,
      "default-mirror": text,
      "remote-execution": remoteExecution,
      mirrors,
    }),
  },
});
