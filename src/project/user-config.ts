/** The user configuration: where things are kept, how many jobs run, what is logged, and overrides for projects. */
import { existsSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { compose } from "../yaml/compose.ts";
import { MappingNode, mappingFrom, type ScalarNode } from "../yaml/node.ts";
import { YamlFiles } from "./files.ts";
import {
  type CacheServers,
  cacheServers,
  type RemoteConfig,
  type RemoteExecutionConfig,
  remoteConfig,
  remoteExecutionConfig,
} from "./remotes.ts";
import { type Environment, expandHome, expandVariables, normalPath, withBaseDirectories } from "./user-paths.ts";

const ERROR_ACTIONS = ["continue", "quit", "terminate"] as const;
const BUILDTREES = ["always", "auto", "never"] as const;
const POLICIES = ["all", "aliases", "mirrors", "user"] as const;
const DEPENDENCIES = ["none", "run", "all"] as const;

/** Which places a source's content may come from. */
type SourcePolicy = (typeof POLICIES)[number];

export interface UserConfig {
  /** Absolute path of the file it was read from; undefined for the defaults alone. */
  readonly path: string | undefined;
  readonly cacheDirectory: string;
  readonly sourceDirectory: string;
  readonly logDirectory: string;
  /** Folder for new workspaces, absolute or `.`. */
  readonly workspaceDirectory: string;
  readonly cache: {
    /** Bytes; undefined for all that the disk has. */
    readonly quota: number | undefined;
    /** Bytes to leave free on the disk. */
    readonly reservedDiskSpace: number;
    /** What is kept of the quota when space is made, from 0 to 1. */
    readonly lowWatermark: number;
    readonly storageService: RemoteConfig | undefined;
    readonly pullBuildtrees: boolean;
    readonly cacheBuildtrees: (typeof BUILDTREES)[number];
  };
  readonly scheduler: {
    readonly onError: (typeof ERROR_ACTIONS)[number];
    readonly fetchers: number;
    readonly builders: number;
    readonly pushers: number;
    readonly networkRetries: number;
  };
  readonly build: {
    /** Processes that one build may run: what is configured, or else as many as there are processors, up to 8. */
    readonly maxJobs: number;
    readonly retryFailed: boolean;
    readonly dependencies: (typeof DEPENDENCIES)[number];
  };
  readonly fetchSource: SourcePolicy;
  readonly trackSource: SourcePolicy;
  readonly logging: {
    readonly keyLength: number;
    readonly verbose: boolean;
    readonly debug: boolean;
    readonly errorLines: number;
    readonly messageLines: number;
    readonly elementFormat: string;
    readonly messageFormat: string;
    readonly throttleUpdates: boolean;
    readonly logDirectory: string;
  };
  readonly artifacts: CacheServers;
  readonly sourceCaches: CacheServers;
  readonly remoteExecution: RemoteExecutionConfig | undefined;
  /** The mirror to try first, whatever projects say. */
  readonly defaultMirror: string | undefined;
  /** Folders with plugins for this program, absolute. */
  readonly pluginPaths: readonly string[];
  /** What is configured for a project: artifacts, source-caches, options, strict, default-mirror, mirrors, … */
  projectOverrides(name: string): MappingNode;
  /** Whether only artifacts of exactly what a project declares count. */
  isStrict(project: string): boolean;
}

/** Options of the command line that go before the configuration. */
interface ConfigOverrides {
  readonly onError?: (typeof ERROR_ACTIONS)[number] | undefined;
  readonly fetchers?: number | undefined;
  readonly builders?: number | undefined;
  readonly pushers?: number | undefined;
  readonly maxJobs?: number | undefined;
  readonly networkRetries?: number | undefined;
  readonly pullBuildtrees?: boolean | undefined;
  readonly cacheBuildtrees?: (typeof BUILDTREES)[number] | undefined;
  readonly defaultMirror?: string | undefined;
}

interface UserConfigOptions {
  /** The file that the user named. */
  readonly path?: string | undefined;
  readonly cwd: string;
  readonly env: Environment;
  readonly overrides?: ConfigOverrides;
}

const FILE_NAMES = ["buildstream2.conf", "buildstream.conf"];

const KEYS = new Set([
  ...["cachedir", "sourcedir", "logdir", "workspacedir", "cache", "scheduler", "build", "fetch", "track", "logging"],
  ...["artifacts", "source-caches", "remote-execution", "projects"],
  // Not a key of BuildStream.
  "plugin-paths",
]);
const OBSOLETE_KEYS = ["builddir", "artifactdir"];
const PROJECT_KEYS = new Set([
  ...["artifacts", "source-caches", "options", "strict", "default-mirror", "remote-execution", "mirrors"],
]);

const DEFAULTS = mappingFrom({
  sourcedir: "${XDG_CACHE_HOME}/buildstream/sources",
  cachedir: "${XDG_CACHE_HOME}/buildstream",
  logdir: "${XDG_CACHE_HOME}/buildstream/logs",
  workspacedir: ".",
  cache: {
    quota: "infinity",
    "reserved-disk-space": "5%",
    "low-watermark": "80%",
    "pull-buildtrees": "False",
    "cache-buildtrees": "auto",
  },
  scheduler: { fetchers: "10", builders: "4", pushers: "4", "network-retries": "2", "on-error": "quit" },
  build: { "max-jobs": "0", "retry-failed": "False", dependencies: "run" },
  fetch: { source: "all" },
  track: { source: "aliases" },
  logging: {
    "key-length": "8",
    verbose: "True",
    "error-lines": "20",
    "message-lines": "20",
    debug: "False",
    "element-format": "%{state: >12} %{full-key} %{name} %{workspace-dirs}",
    "message-format": "[%{elapsed}][%{key}][%{element}] %{action} %{message}",
    "throttle-ui-updates": "True",
  },
});

/**
 * Reads the configuration that the user named, or else the first of `buildstream2.conf` and `buildstream.conf` in
 * `$XDG_CONFIG_HOME`, over the defaults.
 * @throws LoadError
 */
export function loadUserConfig(options: UserConfigOptions): UserConfig {
  const env = withBaseDirectories(options.env);
  const path = options.path ?? defaultPath(env);
  if (path === undefined) return configFrom(DEFAULTS, undefined, env, options.overrides ?? {});
  const absolute = resolve(options.cwd, path);
  const node = compose(DEFAULTS, new YamlFiles().load(absolute, path));
  return configFrom(node, absolute, env, options.overrides ?? {});
}

function defaultPath(env: Environment): string | undefined {
  const directory = env["XDG_CONFIG_HOME"] ?? "";
  return FILE_NAMES.map((name) => join(directory, name)).find((path) => existsSync(path));
}

function configFrom(
  node: MappingNode,
  path: string | undefined,
  env: Environment,
  overrides: ConfigOverrides,
): UserConfig {
  for (const key of OBSOLETE_KEYS) {
    const obsolete = node.get(key);
    if (obsolete !== undefined) throw obsolete.error(`'${key}' is obsolete: the folder is below 'cachedir'`);
  }
  node.validateKeys(KEYS);
  const directory = (key: string) => directoryOf(scalar(node, key), key, env);
  const logDirectory = directory("logdir");
  const cacheDirectory = directory("cachedir");
  const cache = cacheFrom(node, cacheDirectory, overrides);
  const execution = node.mapping("remote-execution");
  const projects = projectsFrom(node);
  return {
    path,
    cacheDirectory,
    sourceDirectory: directory("sourcedir"),
    logDirectory,
    workspaceDirectory: directory("workspacedir"),
    cache,
    scheduler: schedulerFrom(node, overrides),
    build: buildFrom(node, overrides),
    fetchSource: policyFrom(node, "fetch"),
    trackSource: policyFrom(node, "track"),
    logging: { ...loggingFrom(node), logDirectory },
    artifacts: cacheServers(node.mapping("artifacts")),
    sourceCaches: cacheServers(node.mapping("source-caches")),
    remoteExecution: execution && remoteExecutionConfig(execution, cache.storageService !== undefined),
    defaultMirror: overrides.defaultMirror,
    pluginPaths:
      node
        .sequence("plugin-paths")
        ?.scalars()
        .map((each) => directoryOf(each, "plugin-paths", env)) ?? [],
    projectOverrides: (name) => projects.get(name) ?? MappingNode.empty,
    isStrict: (project) => projects.get(project)?.bool("strict") ?? true,
  };
}

function scalar(node: MappingNode, key: string): ScalarNode {
  return node.required(key, node.scalar(key));
}

function section(config: MappingNode, key: string, valid: readonly string[]): MappingNode {
  const node = config.required(key, config.mapping(key));
  node.validateKeys(new Set(valid));
  return node;
}

function directoryOf(node: ScalarNode, key: string, env: Environment): string {
  const path = normalPath(expandVariables(expandHome(node.value, env), env));
  if (isAbsolute(path) || (key === "workspacedir" && path === ".")) return path;
  throw node.error(`The path of '${key}' must be absolute`);
}

function cacheFrom(config: MappingNode, cacheDirectory: string, overrides: ConfigOverrides): UserConfig["cache"] {
  const node = section(config, "cache", [
    ...["quota", "reserved-disk-space", "low-watermark", "storage-service", "pull-buildtrees", "cache-buildtrees"],
  ]);
  const reserved = scalar(node, "reserved-disk-space");
  const reservedDiskSpace = sizeOf(reserved, cacheDirectory);
  if (reservedDiskSpace === undefined) throw reserved.error("The disk space to leave free cannot be infinite");
  const storage = node.mapping("storage-service");
  return {
    quota: sizeOf(scalar(node, "quota"), cacheDirectory),
    reservedDiskSpace,
    lowWatermark: percentageOf(scalar(node, "low-watermark")),
    storageService: storage && remoteConfig(storage),
    pullBuildtrees: overrides.pullBuildtrees ?? node.bool("pull-buildtrees") ?? false,
    cacheBuildtrees: overrides.cacheBuildtrees ?? node.enum("cache-buildtrees", BUILDTREES) ?? "auto",
  };
}

/** Bytes; a percentage is of the disk that a folder is on, or will be. */
function sizeOf(node: ScalarNode, directory: string): number | undefined {
  if (node.value === "infinity") return undefined;
  const match = /^(\d+)([KMGT]?)$|^(\d+\.?\d*)%$/.exec(node.value);
  if (match === null) throw node.error(`'${node.value}' is no size, such as 800M, 10G, 1T or 50%`);
  const [, digits, unit = "", percentage] = match;
  if (percentage === undefined) return Number(digits) * 1024 ** " KMGT".indexOf(unit || " ");
  if (Number(percentage) > 100) throw node.error(`'${node.value}' is more than the whole disk`);
  let volume = directory;
  while (!existsSync(volume)) volume = dirname(volume);
  const { blocks, bsize } = statfsSync(volume);
  return blocks * bsize * (Number(percentage) / 100);
}

function percentageOf(node: ScalarNode): number {
  const value = /^\s*[+]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*%$/.test(node.value)
    ? Number(node.value.slice(0, -1))
    : Number.NaN;
  if (!(value <= 100)) throw node.error(`'${node.value}' is no percentage from 0% to 100%`);
  return value / 100;
}

function schedulerFrom(config: MappingNode, overrides: ConfigOverrides): UserConfig["scheduler"] {
  const keys = ["on-error", "fetchers", "builders", "pushers", "network-retries"];
  const node = section(config, "scheduler", keys);
  const count = (key: string, override: number | undefined) => {
    const value = node.required(key, node.int(key));
    return override ?? value;
  };
  const onError = node.required("on-error", node.enum("on-error", ERROR_ACTIONS));
  return {
    onError: overrides.onError ?? onError,
    fetchers: count("fetchers", overrides.fetchers),
    builders: count("builders", overrides.builders),
    pushers: count("pushers", overrides.pushers),
    networkRetries: count("network-retries", overrides.networkRetries),
  };
}

function buildFrom(config: MappingNode, overrides: ConfigOverrides): UserConfig["build"] {
  const node = section(config, "build", ["max-jobs", "retry-failed", "dependencies"]);
  const maxJobs = node.required("max-jobs", node.int("max-jobs"));
  return {
    maxJobs: (overrides.maxJobs ?? maxJobs) || Math.min(availableParallelism(), 8),
    retryFailed: node.required("retry-failed", node.bool("retry-failed")),
    dependencies: node.required("dependencies", node.enum("dependencies", DEPENDENCIES)),
  };
}

function policyFrom(config: MappingNode, key: "fetch" | "track"): SourcePolicy {
  const node = section(config, key, ["source"]);
  return node.required("source", node.enum("source", POLICIES));
}

function loggingFrom(config: MappingNode): Omit<UserConfig["logging"], "logDirectory"> {
  const node = section(config, "logging", [
    ...["key-length", "verbose", "error-lines", "message-lines", "debug", "element-format", "message-format"],
    "throttle-ui-updates",
  ]);
  return {
    keyLength: node.required("key-length", node.int("key-length")),
    verbose: node.required("verbose", node.bool("verbose")),
    debug: node.required("debug", node.bool("debug")),
    errorLines: node.required("error-lines", node.int("error-lines")),
    messageLines: node.required("message-lines", node.int("message-lines")),
    elementFormat: scalar(node, "element-format").value,
    messageFormat: scalar(node, "message-format").value,
    throttleUpdates: node.required("throttle-ui-updates", node.bool("throttle-ui-updates")),
  };
}

function projectsFrom(config: MappingNode): ReadonlyMap<string, MappingNode> {
  const node = config.mapping("projects") ?? MappingNode.empty;
  const projects = new Map<string, MappingNode>();
  for (const name of node.keys()) {
    const overrides = node.required(name, node.mapping(name));
    overrides.validateKeys(PROJECT_KEYS);
    projects.set(name, overrides);
  }
  return projects;
}
