/** Transfers that a killed program began go on in the next one. */
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cacheConfig, project, type RunResult, runCli, tempDir } from "../helpers.ts";
import { CountingProxy } from "../oci/counting-proxy.ts";
import { serveDebianRegistry } from "../oci/debian-registry.ts";
import { serveRegistry } from "../oci/registry-server.ts";

const MB = 1_000_000;
const SIZE = 8 * MB;

type OnStart = (child: ChildProcess) => void;

const config = cacheConfig();
const uploads = join(dirname(config), "cache/bst-ts/uploads");
let cwd: string;

beforeAll(async () => {
  cwd = project({
    "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
    "files/large": randomBytes(SIZE),
    "app.bst":
      "kind: oci\nbuild-depends: [files.bst]\nconfig:\n  compression: none\n  images:\n" +
      "  - architecture: amd64\n    os: linux\n    layer: [files.bst]\n",
  });
  expect((await runCli(["build", "app.bst"], { cwd, config })).code).toBe(0);
});

function run(words: string, onStart?: OnStart): Promise<RunResult> {
  return runCli(["image", ...words.split(" ")], { cwd, config, ...(onStart && { onStart }) });
}

async function output(words: string): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Runs a command that gets nothing more from where `isFar` says so, and is killed as soon as it `hasIt`. */
async function killed(
  start: (onStart: OnStart) => Promise<RunResult>,
  proxy: CountingProxy,
  isFar: (proxy: CountingProxy) => boolean,
  hasIt = () => true,
): Promise<void> {
  proxy.holds = isFar;
  let timer: NodeJS.Timeout | undefined;
  const { code } = await start((child) => {
    timer = setInterval(() => {
      if (isFar(proxy) && hasIt()) child.kill("SIGKILL");
    }, 10);
  });
  clearInterval(timer);
  expect(code).toBeNull();
  proxy.reset();
}

/** Parts of blobs below a folder. */
function partsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path)));
  return paths.filter((path) => path.includes(".tmp"));
}

/** Whether there is one part in the folder, of 4 MB and more. */
function hasPart(folder: string): boolean {
  const [part, ...others] = partsIn(folder);
  return part !== undefined && others.length === 0 && statSync(part).size >= 4 * MB;
}

/** The only file of a folder. */
function only(folder: string): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? "");
}

describe("a push that was killed", () => {
  /** @returns what goes on with it */
  async function interrupted(proxy: CountingProxy): Promise<string> {
    const words = `push app.bst ${proxy.host}/app:1 --chunk-size 1`;
    await killed(
      (onStart) => run(words, onStart),
      proxy,
      ({ sent }) => sent >= 5 * MB,
      // Whoever sends more has noted what is there.
      () => proxy.held.includes("PATCH"),
    );
    return words;
  }

  test("goes on behind the last piece, in Debian's registry", async () => {
    const proxy = await CountingProxy.serve(await serveDebianRegistry());
    const words = await interrupted(proxy);
    expect(statSync(only(uploads)).mode & 0o777).toBe(0o600);
    const digest = await output(words);
    expect(proxy.sent).toBeGreaterThan(SIZE - 6 * MB);
    expect(proxy.sent).toBeLessThan(SIZE - 4 * MB);
    expect(proxy.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
    expect(readdirSync(uploads)).toEqual([]);
    expect(await output(`verify docker://${proxy.host}/app@${digest}`)).toContain("is whole");
  });

  test("begins anew where the registry has forgotten it", async () => {
    const registry = await serveRegistry();
    const proxy = await CountingProxy.serve(registry.host);
    const words = await interrupted(proxy);
    registry.uploads.clear();
    await output(words);
    expect(proxy.sent).toBeGreaterThan(SIZE);
    expect(readdirSync(uploads)).toEqual([]);
  });
});

describe("a pull that was killed", () => {
  let proxy: CountingProxy;
  let digest: string;

  const isFar = ({ received }: CountingProxy) => received >= 5 * MB;

  /** A folder with a part of the layer, and how to get the rest. */
  async function interrupted(): Promise<{ words: string; folder: string }> {
    const folder = join(tempDir("layout"), "x");
    const words = `pull ${proxy.host}/app:1 oci:${folder}:app`;
    await killed(
      (onStart) => run(words, onStart),
      proxy,
      isFar,
      () => hasPart(folder),
    );
    return { words, folder };
  }

  beforeEach(async () => {
    const registry = await serveRegistry();
    proxy = await CountingProxy.serve(registry.host);
    digest = await output(`push app.bst ${proxy.host}/app:1`);
    proxy.reset();
  });

  test("goes on with what the layout has", async () => {
    const { words, folder } = await interrupted();
    expect(await output(words)).toBe(digest);
    expect(proxy.received).toBeLessThan(SIZE - 3 * MB);
    expect(partsIn(folder)).toEqual([]);
    expect(await output(`verify oci:${folder}:app`)).toContain(`${digest} is whole`);
  });

  test("begins anew where what the layout has is something else", async () => {
    const { words, folder } = await interrupted();
    for (const part of partsIn(folder)) writeFileSync(part, Buffer.alloc(statSync(part).size));
    expect(await output(words)).toBe(digest);
    expect(partsIn(folder)).toEqual([]);
    expect(await output(`verify oci:${folder}:app`)).toContain(`${digest} is whole`);
  });

  test("goes on where a source gets its parent", async () => {
    const sources = join(dirname(config), "source/oci_image");
    const url = `${proxy.host}/app`;
    const source = `kind: import\nsources:\n- kind: oci_image\n  url: ${url}\n  ref: ${digest}\n`;
    const parent = project({ "base.bst": source });
    const fetched = (onStart?: OnStart) =>
      runCli(["source", "fetch", "base.bst"], { cwd: parent, config, ...(onStart && { onStart }) });
    await killed(fetched, proxy, isFar, () => hasPart(sources));
    expect((await fetched()).code).toBe(0);
    expect(proxy.received).toBeLessThan(SIZE - 3 * MB);
    expect(partsIn(sources)).toEqual([]);
  });
});
