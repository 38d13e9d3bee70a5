import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { loadUserConfig, type UserConfig } from "../../src/project/user-config.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { type Answer, answered, askEach } from "../oracle/python.ts";

let home = "";
beforeAll(() => {
  home = tempDir("home");
});

const env = () => ({ HOME: home, OTHER: "/other", XDG_CACHE_HOME: "" });

function load(text: string, overrides: Parameters<typeof loadUserConfig>[0]["overrides"] = {}): UserConfig {
  const directory = tempDir("config");
  writeFiles(directory, { "user.conf": text });
  return loadUserConfig({ path: "user.conf", cwd: directory, env: env(), overrides });
}

describe("where the configuration is", () => {
  test("nowhere: the defaults", () => {
    const config = loadUserConfig({ cwd: home, env: env() });
    expect(config).toMatchObject({
      path: undefined,
      cacheDirectory: join(home, ".cache/buildstream"),
      sourceDirectory: join(home, ".cache/buildstream/sources"),
      logDirectory: join(home, ".cache/buildstream/logs"),
      workspaceDirectory: ".",
      cache: { quota: undefined, lowWatermark: 0.8, pullBuildtrees: false, cacheBuildtrees: "auto" },
      scheduler: { onError: "quit", fetchers: 10, builders: 4, pushers: 4, networkRetries: 2 },
      build: { maxJobs: Math.min(availableParallelism(), 8), retryFailed: false, dependencies: "run" },
      fetchSource: "all",
      trackSource: "aliases",
      defaultMirror: undefined,
    });
    expect(config.cache.reservedDiskSpace).toBeGreaterThan(1e6);
    expect(config.isStrict("any")).toBe(true);
    expect(config.projectOverrides("any").keys()).toEqual([]);
  });

  test("in the user's folder, the newer name first", () => {
    const folder = tempDir("xdg");
    writeFiles(folder, { "buildstream.conf": "cachedir: /one" });
    const read = () => loadUserConfig({ cwd: home, env: { HOME: home, XDG_CONFIG_HOME: folder } });
    expect(read()).toMatchObject({ cacheDirectory: "/one", path: join(folder, "buildstream.conf") });
    writeFiles(folder, { "buildstream2.conf": "cachedir: /two" });
    expect(read()).toMatchObject({ cacheDirectory: "/two", path: join(folder, "buildstream2.conf") });
    writeFiles(home, { ".config/buildstream.conf": "cachedir: /three" });
    expect(loadUserConfig({ cwd: home, env: { HOME: home } }).cacheDirectory).toBe("/three");
  });

  test("where the user says, named so in messages", () => {
    expect(load("cachedir: /x").path).toMatch(/^\/.*\/user\.conf$/);
    expect(() => load("cachedir:\n  a: b")).toThrow(/user\.conf \[line 2 column 2\]/);
    const missing = () => loadUserConfig({ path: "none.conf", cwd: home, env: env() });
    expect(missing).toThrow(expect.objectContaining({ reason: "missing-file" }));
    mkdirSync(join(home, "folder"), { recursive: true });
    const folder = () => loadUserConfig({ path: "folder", cwd: home, env: env() });
    expect(folder).toThrow(expect.objectContaining({ reason: "loading-directory" }));
  });
});

test("paths are expanded", () => {
  expect(
    load(
      "cachedir: ~/a/../b/\nlogdir: $OTHER/${XDG_CACHE_HOME}//x\nsourcedir: ${NOTHING}/x\n".replace("${NOTHING}", "/y"),
    ),
  ).toMatchObject({
    cacheDirectory: join(home, "b"),
    logDirectory: `/other${home}/.cache/x`,
    sourceDirectory: "/y/x",
  });
});

test("the command line goes first", () => {
  const text = "scheduler: {fetchers: 1, on-error: continue}\nbuild: {max-jobs: 3}\ncache: {cache-buildtrees: never}";
  const none = load(text);
  expect(none).toMatchObject({ scheduler: { fetchers: 1, onError: "continue" }, build: { maxJobs: 3 } });
  const some = load(text, {
    fetchers: 7,
    onError: "terminate",
    maxJobs: 5,
    cacheBuildtrees: "always",
    defaultMirror: "m",
  });
  expect(some).toMatchObject({
    scheduler: { fetchers: 7, onError: "terminate", builders: 4 },
    build: { maxJobs: 5 },
    cache: { cacheBuildtrees: "always" },
    defaultMirror: "m",
  });
  expect(load(text, { maxJobs: 0 }).build.maxJobs).toBe(Math.min(availableParallelism(), 8));
});

test("projects have overrides of their own", () => {
  const config = load("projects:\n  one:\n    strict: False\n    options: {a: b}\n  two: {default-mirror: m}");
  expect([config.isStrict("one"), config.isStrict("two")]).toEqual([false, true]);
  expect(config.projectOverrides("one").mapping("options")?.toPlain()).toEqual({ a: "b" });
});

test("servers are data", () => {
  const config = load(`
artifacts:
  override-project-caches: True
  servers:
  - url: https://cache:11001
    push: True
    type: index
    instance-name: main
    auth: {server-cert: ~/server.crt, client-key: /key, client-cert: cert, access-token-reload-interval: 60}
    connection-config: {keepalive-time: 60, retry-limit: 3, request-timeout: 5}
cache:
  storage-service: {url: 'http://storage'}
remote-execution:
  execution-service: {url: 'http://execution'}
  action-cache-service: {url: 'http://actions', push: True}
`);
  const [server] = config.artifacts.servers;
  expect(config.artifacts.overrideProjectCaches).toBe(true);
  expect(server).toMatchObject({
    url: "https://cache:11001",
    push: true,
    type: "index",
    instanceName: "main",
    clientKey: "/key",
    clientCert: "cert",
    accessTokenReloadInterval: 60,
    connection: { keepaliveTime: 60, retryLimit: 3, retryDelay: undefined, requestTimeout: 5 },
  });
  expect(config.cache.storageService).toMatchObject({ url: "http://storage", type: "all", push: false });
  expect(config.remoteExecution).toMatchObject({
    execution: { url: "http://execution", type: "endpoint" },
    storage: undefined,
    actionCache: { push: true },
  });
});

const GOOD: readonly string[] = [
  "",
  "cache: {quota: 10G, reserved-disk-space: 500M, low-watermark: 12.5%}",
  "cache: {quota: 50%, reserved-disk-space: 0%, low-watermark: 100%}",
  "cache: {quota: 1T, low-watermark: 0%}",
  "cache: {quota: 12, low-watermark: 5 %}",
  "build: {dependencies: none, retry-failed: 1, max-jobs: 16}",
  "fetch: {source: user}\ntrack: {source: mirrors}",
  "logging: {key-length: 64, verbose: false, error-lines: 0, debug: True, element-format: '%{name}', throttle-ui-updates: 0}",
  "scheduler: {network-retries: 1_0, builders: -1}",
  "workspacedir: ./",
  "workspacedir: /somewhere/else/",
  "sourcedir: ~",
  "projects: {a: {strict: False}}",
];

const BAD: readonly string[] = [
  "unknown: 1",
  "builddir: /a",
  "artifactdir: /a",
  "cachedir: relative/path",
  "cachedir: ''",
  "logdir: $NOT_DEFINED/x",
  "workspacedir: here",
  "cachedir: [a]",
  "cache: 5",
  "cache: {quota: 5X}",
  "cache: {quota: 101%}",
  "cache: {quota: -5G}",
  "cache: {size: 5}",
  "cache: {reserved-disk-space: infinity}",
  "cache: {low-watermark: 80}",
  "cache: {low-watermark: 101%}",
  "cache: {low-watermark: -1%}",
  "cache: {low-watermark: a%}",
  "cache: {cache-buildtrees: sometimes}",
  "cache: {pull-buildtrees: sometimes}",
  "cache: {storage-service: {push: True}}",
  "scheduler: {fetchers: many}",
  "scheduler: {on-error: ignore}",
  "scheduler: {threads: 4}",
  "build: {max-jobs: 1.5}",
  "build:\n  dependencies: build",
  "fetch: {source: nowhere}",
  "track: {sources: all}",
  "logging: {colors: True}",
  "logging: {verbose: [a]}",
  "artifacts: [a]",
  "artifacts: {servers: [a]}",
  "artifacts: {server: []}",
  "artifacts: {servers: [{push: True}]}",
  "artifacts: {servers: [{url: ''}]}",
  "artifacts: {servers: [{url: a, type: some}]}",
  "artifacts: {servers: [{url: a, auth: {client-key: b}}]}",
  "artifacts: {servers: [{url: a, auth: {client-cert: b}}]}",
  "source-caches: {servers: [{url: a, auth: {key: b}}]}",
  "source-caches: {servers: [{url: a, urls: b}]}",
  "remote-execution: {execution-service: {url: a}}",
  "remote-execution: {storage-service: {url: a}}",
  "remote-execution: {storage-service: {url: a}, execution-service: {url: a, push: True}}",
  "remote-execution: {storage-service: {url: a}, action-cache-service: {url: a, type: all}}",
  "projects: []",
  "projects: {a: b}",
  "projects: {a: {plugins: []}}",
  "(?): []",
  "a: [",
];

function outcome(text: string, directory: string, index: number): Answer<unknown> {
  writeFiles(directory, { [`${index}.conf`]: text });
  return answered(() => {
    const config = loadUserConfig({ path: join(directory, `${index}.conf`), cwd: home, env: env() });
    const { cache, scheduler, build, logging } = config;
    return [
      ...[config.cacheDirectory, config.sourceDirectory, config.logDirectory, config.workspaceDirectory],
      ...[
        cache.quota ?? null,
        cache.reservedDiskSpace,
        cache.lowWatermark,
        cache.pullBuildtrees,
        cache.cacheBuildtrees,
      ],
      ...[scheduler.fetchers, scheduler.builders, scheduler.pushers, scheduler.networkRetries, scheduler.onError],
      ...[build.maxJobs, build.retryFailed, build.dependencies, config.fetchSource, config.trackSource],
      ...[logging.keyLength, logging.verbose, logging.debug, logging.errorLines, logging.messageLines],
      ...[logging.elementFormat, logging.messageFormat, logging.throttleUpdates],
    ];
  });
}

test.skipIf(absent !== undefined)(`as BuildStream reads it (${absent ?? "compared"})`, () => {
  const directory = tempDir("configs");
  const texts = [...GOOD, ...BAD];
  const ours = texts.map((text, index) => outcome(text, directory, index));
  const theirs = askEach<unknown>(
    `
import os
os.environ.update(HOME=${JSON.stringify(home)}, OTHER="/other", XDG_CACHE_HOME="", XDG_CONFIG_HOME="", XDG_DATA_HOME="")
from buildstream._context import Context
def answer(index):
    for name in ("CACHE", "CONFIG", "DATA"):
        os.environ["XDG_%s_HOME" % name] = ""
    c = Context(use_casd=False)
    c.load(${JSON.stringify(directory)} + "/%d.conf" % index)
    name = lambda value: getattr(value, "value", value)
    return [c.cachedir, c.sourcedir, c.logdir, c.workspacedir,
        c.config_cache_quota, c.config_cache_reserved, c.config_cache_low_watermark, c.pull_buildtrees, name(c.cache_buildtrees),
        c.sched_fetchers, c.sched_builders, c.sched_pushers, c.sched_network_retries, name(c.sched_error_action),
        c.effective_build_max_jobs, c.build_retry_failed, name(c.build_dependencies), name(c.fetch_source), name(c.track_source),
        c.log_key_length, c.log_verbose, c.log_debug, c.log_error_lines, c.log_message_lines,
        c.log_element_format, c.log_message_format, c.log_throttle_updates]
`,
    texts.map((_, index) => index),
  );
  // BuildStream's defaults are in a file, ours in no place that could be told.
  const places = (message: string) => message.match(/\S+\.conf \[line \d+ column \d+\]/g) ?? [];
  for (const [i, text] of texts.entries()) {
    const [mine, reference] = [ours[i], theirs[i]];
    if (reference?.error === undefined) {
      expect({ text, value: mine?.value }).toEqual({ text, value: reference?.value });
      continue;
    }
    // Some mistakes make BuildStream break down, or are told without a place.
    const [, reason, message] = reference.error;
    expect({ text, reason: mine?.error?.[1] }).toEqual({ text, reason: reason ?? "invalid-data" });
    const found = places(message);
    if (found.length > 0) expect({ text, places: places(mine?.error?.[2] ?? "") }).toEqual({ text, places: found });
  }
});

test.each(BAD)("%s is an error", (text) => {
  expect(() => load(text)).toThrow(BstError);
});
