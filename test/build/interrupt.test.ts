/** Builds that are interrupted, killed, or not alone leave nothing running and nothing half-stored. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, vi } from "vitest";
import { cacheConfig, project, type RunResult, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

/** The build runs this command, of which there is one on the machine, and goes on when the test ends it. */
const marker = `sleep 3600.${process.pid}0${Date.now()}`;

const cwd = project({
  "root.bst": "kind: import\nsources:\n- {kind: local, path: root}\n",
  "slow.bst": `kind: manual
build-depends: [root.bst]
config:
  install-commands:
  - |
    mkdir %{install-root}/etc
    echo half > %{install-root}/etc/file
    ${marker} || true
    echo whole > %{install-root}/etc/file
`,
});
writeRoot(join(cwd, "root"));

/** Processes whose arguments are exactly the marker, not those of the shell that has it in its script. */
function sleepers(): number[] {
  const arguments_ = `${marker.replace(" ", "\0")}\0`;
  return readdirSync("/proc").flatMap((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8") === arguments_ ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** Everything whose command line speaks of the marker or of this test's cache: sandboxes' own processes as well. */
function traces(config: string): string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(marker) || line.includes(dirname(config)) ? [line] : [];
    } catch {
      return [];
    }
  });
}

function eventually(condition: () => boolean): Promise<boolean> {
  return vi.waitUntil(condition, { timeout: 20_000, interval: 20 });
}

interface Running {
  readonly child: ChildProcess;
  readonly result: Promise<RunResult>;
}

/** A build that has come to the marker, or several if others run. */
async function start(config: string, count = 1): Promise<Running> {
  let child: ChildProcess | undefined;
  const onStart = (started: ChildProcess) => {
    child = started;
  };
  const result = runCli(["build", "slow.bst"], { cwd, config, onStart });
  let ended: RunResult | undefined;
  void result.then((value) => {
    ended = value;
  });
  await eventually(() => sleepers().length === count || ended !== undefined);
  expect(ended, "the build ended before it should").toBeUndefined();
  if (child === undefined) throw new Error("the build did not start");
  return { child, result };
}

function release(): void {
  for (const pid of sleepers()) process.kill(pid, "SIGTERM");
}

async function succeed({ result }: Running): Promise<void> {
  const { code, stderr } = await result;
  expect(code, stderr).toBe(0);
}

async function digests(config: string): Promise<string> {
  const format = "%{name} %{state} %{full-key} %{artifact-cas-digest}";
  const { stdout } = await runCli(["show", "--deps", "all", "--format", format, "slow.bst"], { cwd, config });
  return stdout;
}

async function build(config: string): Promise<string> {
  const running = await start(config);
  release();
  await succeed(running);
  return await digests(config);
}

const clean = build(cacheConfig());

function namesIn(config: string, folder: string): string[] {
  const path = join(dirname(config), "cache", folder);
  return existsSync(path) ? readdirSync(path) : [];
}

it("builds what the other tests compare with", async () => {
  expect(await clean).toMatch(/^root\.bst cached .*\nslow\.bst cached [0-9a-f]{64} [0-9a-f]{64}\/\d+\n$/);
});

it.each(["SIGINT", "SIGTERM"] as const)("ends on %s with nothing left, and builds the next time", async (signal) => {
  await clean;
  const config = cacheConfig();
  const { child, result } = await start(config);
  child.kill(signal);
  const { code } = await result;
  expect(code).not.toBe(0);
  expect(traces(config)).toEqual([]);
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(dirname(config));
  expect(namesIn(config, "artifacts/refs/test/slow")).toEqual([]);
  expect(namesIn(config, "cas/sandboxes")).toEqual([]);
  expect(namesIn(config, "tmp")).toEqual([]);
  expect(await build(config)).toBe(await clean);
});

it("builds after it was killed, and makes the same", async () => {
  await clean;
  const config = cacheConfig();
  const { child, result } = await start(config);
  child.kill("SIGKILL");
  await eventually(() => sleepers().length === 0);
  await result;
  expect(namesIn(config, "artifacts/refs/test/slow")).toEqual([]);
  expect(await build(config)).toBe(await clean);
});

it("builds twice at once in one cache", async () => {
  await clean;
  const config = cacheConfig();
  const first = await start(config);
  const second = await start(config, 2);
  release();
  await Promise.all([succeed(first), succeed(second)]);
  expect(await digests(config)).toBe(await clean);
});
