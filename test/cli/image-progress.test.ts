/** What is seen of transfers and layers on their way: live lines on a terminal, which leave nothing behind. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bstTs, cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { serveRegistry, type TestRegistry } from "../oci/registry-server.ts";
import { hasTerminals, type } from "../terminal.ts";

const config = cacheConfig();
let cwd: string;

const image = (layer: string) =>
  `kind: oci\nbuild-depends: [${layer}]\nconfig:\n  compression: none\n  images:\n` +
  `  - architecture: amd64\n    os: linux\n    layer: [${layer}]\n`;

beforeAll(async () => {
  cwd = project({
    "files.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
    "files/large": randomBytes(4_000_000),
    "app.bst": image("files.bst"),
    "slow.bst": image("slow-files.bst").replace("none", "gzip"),
    "slow-files.bst": "kind: import\nsources:\n- kind: local\n  path: slow-files\n",
    "slow-files/larger": randomBytes(32_000_000),
  });
  expect((await runCli(["build", "app.bst"], { cwd, config })).code).toBe(0);
});

/** A registry that takes and gives a megabyte in a third of a second. */
function slowRegistry(): Promise<TestRegistry> {
  return serveRegistry({
    intercept(request, response, registry) {
      if (request.method === "PATCH") {
        setTimeout(() => registry.answer(request, response), 300);
        return true;
      }
      const digest = /\/app\/blobs\/(sha256:.*)$/.exec(request.url ?? "")?.[1] ?? "";
      const bytes = registry.blobs.get("app")?.get(digest);
      if (request.method !== "GET" || bytes === undefined) return false;
      response.writeHead(200, { "content-length": bytes.length });
      const give = (from: number) => {
        if (from >= bytes.length) response.end();
        else response.write(bytes.subarray(from, from + 1_000_000), () => setTimeout(give, 300, from + 1_000_000));
      };
      give(0);
      return true;
    },
  });
}

const ESCAPE = "\x1b";

/** On a terminal. */
async function shown(words: string, env: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  const { screen, status } = await type([...bstTs, "--config", config, ...words.split(" ")], [], {
    prompt: "nobody asks",
    cwd,
    env: { TERM: "xterm", NO_COLOR: undefined, ...env },
  });
  expect(status).toBe(0);
  return screen;
}

/** What stays on the screen, of lines that are drawn anew from the first on. */
function staying(screen: string): string[] {
  const lines: string[] = [];
  for (const [i, part] of screen.split(ESCAPE).entries()) {
    const up = /^\[(\d+)F/.exec(part);
    if (up) lines.splice(lines.length - Number(up[1]));
    const text = i === 0 ? part : part.replace(/^\[[\d;]*[A-Za-z]/, "");
    if (text !== "") lines.push(...text.replace(/\n$/, "").split("\n"));
  }
  return lines;
}

describe.skipIf(!hasTerminals)("on a terminal", () => {
  test.each([
    ["push", (host: string) => `image push app.bst ${host}/app:1 --chunk-size 1`],
    ["pull", (host: string) => `image pull ${host}/app:1 oci:${join(tempDir("pulled"), "x")}`],
    ["copy", (host: string) => `image copy docker://${host}/app:1 oci-archive:${join(tempDir("copied"), "x")}`],
    ["verify", (host: string) => `image verify docker://${host}/app:1`],
  ])("%s has a live line, which is gone in the end", async (action, words) => {
    const registry = await slowRegistry();
    if (action !== "push") await runCli(["image", "push", "app.bst", `${registry.host}/app:1`], { cwd, config });
    const screen = await shown(words(registry.host), { NO_COLOR: "1" });
    const live = new RegExp(`\\[${action}:[^\\]]+:\\d\\.\\d\\d MB of 4\\.\\d\\d MB, \\d\\.\\d\\d MB/s\\]`, "g");
    expect(screen.match(live)?.length).toBeGreaterThan(2);
    expect(screen.split(ESCAPE).filter((part) => /^\[\d*m/.test(part))).toEqual([]);
    const rest = staying(screen);
    expect(rest.filter((line) => line.includes("MB/s") || line.startsWith("==="))).toEqual([]);
    expect(rest.at(-1)).toMatch(/^sha256:[0-9a-f]{64}/);
  });

  test("the layer of an image has one while it is written", async () => {
    const screen = await shown("build slow.bst", { NO_COLOR: "1" });
    expect(screen).toMatch(/\[build:slow\.bst:\d+\.\d+ MB of 32\.0 MB/);
    expect(staying(screen).filter((line) => line.includes(" of 32."))).toEqual([]);
  });

  test("that can't erase anything has none", async () => {
    const registry = await slowRegistry();
    const screen = await shown(`image push app.bst ${registry.host}/app:1 --chunk-size 1`, { TERM: "dumb" });
    expect(screen).not.toContain(ESCAPE);
    expect(screen).not.toContain("MB/s");
  });
});

test("elsewhere there are lines alone, and results on the standard output", async () => {
  const registry = await slowRegistry();
  const words = `image push app.bst ${registry.host}/app:1 --chunk-size 1`;
  const { stdout, stderr } = await runCli(words.split(" "), { cwd, config });
  expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(stderr).not.toContain(ESCAPE);
  expect(stderr.trimEnd().split("\n").length).toBeLessThan(12);
});
