/** `build --dry-run`: what it announces is what the build then does, and nothing is done by itself. */
import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, runCommand } from "../helpers.ts";
import { CacheServer } from "../remote/server.ts";

interface Job {
  readonly action: string;
  readonly element: string;
  readonly why: string;
  readonly neededBy: string;
  readonly artifact?: string;
  readonly images?: readonly object[];
  readonly script?: readonly string[];
}

let cwd: string;
let config: string;

const run = (...args: string[]) => runCli(args, { cwd, config });

beforeAll(() => {
  cwd = project({
    "files/a/usr/a": "a",
    "files/b/usr/b": "b",
    "a.bst": "kind: import\nsources: [{kind: local, path: files/a}]\n",
    "b.bst": "kind: import\nruntime-depends: [a.bst]\nsources: [{kind: local, path: files/b}]\n",
    "unneeded.bst": "kind: import\nsources: [{kind: local, path: files/b}]\nconfig: {target: /else}\n",
    "stack.bst": "kind: stack\ndepends: [b.bst]\n",
    "made.bst":
      "kind: manual\nbuild-depends: [stack.bst]\nvariables: {word: it's}\nenvironment: {WORD: '%{word}'}\n" +
      `config: {build-commands: ['echo "%{word}" two'], install-commands: [exit 1]}\n`,
    "layer.bst": "kind: compose\nbuild-depends: [stack.bst]\nconfig: {exclude: [devel], integrate: False}\n",
    "image.bst":
      "kind: oci\nbuild-depends: [layer.bst]\nconfig: {images: [{os: linux, architecture: amd64, layer: [layer.bst], tags: ['x:1']}]}\n",
  });
  config = cacheConfig();
});

async function planned(...args: string[]): Promise<readonly Job[]> {
  const { code, stdout, stderr } = await run(...args, "--dry-run", "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).jobs;
}

async function done(...args: string[]): Promise<string[]> {
  const { stderr } = await run("--log-format", "json", "--on-error", "continue", ...args);
  const events = stderr.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  return events.filter(({ type }) => type === "job-started").map(({ job }) => `${job.action} ${job.element}`);
}

const names = (jobs: readonly Job[]) => jobs.map(({ action, element }) => `${action} ${element}`).sort();
const cached = () =>
  readdirSync(dirname(config), { recursive: true, encoding: "utf8" })
    .filter((path) => !path.includes("bst-ts"))
    .sort();

describe("build --dry-run", () => {
  test("announces what the build does, before it and after changes", async () => {
    await run("show", "image.bst");
    const before = cached();
    const first = await planned("build", "image.bst");
    expect(cached()).toEqual(before);
    expect(await done("build", "image.bst")).toSatisfy((jobs: string[]) => same(jobs, names(first)));
    expect(first.map(({ element }) => element)).not.toContain("unneeded.bst");
    const order = first.filter(({ action }) => action === "build").map(({ element }) => element);
    expect(order).toEqual(["a.bst", "b.bst", "stack.bst", "layer.bst", "image.bst"]);
    expect(first.find(({ element }) => element === "a.bst")?.neededBy).toBe("b.bst needs it to run");
    expect(first.find(({ action, element }) => action === "fetch" && element === "a.bst")?.why).toBe(
      "Its sources are in the project, and not yet staged",
    );
    expect(first.at(-1)).toMatchObject({
      action: "build",
      element: "image.bst",
      neededBy: "it was asked for",
      artifact: expect.stringMatching(/^test\/image\/[0-9a-f]{64}$/),
      images: [{ platform: "linux/amd64", tags: ["x:1"], layer: ["layer.bst"], layers: 1 }],
    });

    expect(await planned("build", "image.bst")).toEqual([]);
    expect((await run("build", "--dry-run", "image.bst")).stdout).toBe(
      "Nothing to do: what is needed is in the cache\n",
    );

    writeFileSync(join(cwd, "files/a/usr/a"), "another");
    for (const strict of ["--strict", "--no-strict"]) {
      const changed = await planned(strict, "build", "image.bst");
      const why = Object.fromEntries(
        changed.filter(({ action }) => action === "build").map((job) => [job.element, job.why]),
      );
      expect(why["a.bst"]).toMatch(
        /^There is no artifact of key [0-9a-f]{8}; the last one was of another configuration/,
      );
      expect(why["layer.bst"]).toMatch(/the last one was built of other versions of a\.bst/);
      if (strict === "--strict") continue;
      // A stack need not be rebuilt, what is made of files must be.
      expect(why).not.toHaveProperty("stack.bst");
      expect(why["layer.bst"]).toMatch(/whose files it is made of/);
      expect(await done(strict, "build", "image.bst")).toSatisfy((jobs: string[]) => same(jobs, names(changed)));
    }
  });

  test("knows of builds that failed", async () => {
    const first = await planned("build", "made.bst");
    expect(await done("build", "made.bst")).toSatisfy((jobs: string[]) => same(jobs, names(first)));
    expect(await planned("build", "made.bst")).toMatchObject([
      { action: "build", why: expect.stringContaining("fails again") },
    ]);
    expect(await planned("build", "--retry-failed", "made.bst")).toMatchObject([{ why: "Its build failed before" }]);
  });

  test("shows what would be run, as a shell takes it", async () => {
    const jobs = await planned("build", "--show-commands", "--retry-failed", "made.bst");
    const script = jobs.find(({ action }) => action === "build")?.script ?? [];
    expect(script).toContain("# mount /: a.bst, b.bst");
    expect(script).toContain("# mount /buildstream/test/made.bst: the sources");
    expect(script).toContain("cd /buildstream/test/made.bst");
    const runnable = script.filter((line) => /^(export WORD|sh)/.test(line));
    expect(runnable).toHaveLength(3);
    const shell = `${runnable.join("\n")}\ntrue`;
    const { stdout } = await runCommand(["sh", "-c", `${shell}; echo "$WORD"`, "sh"], []);
    expect(stdout).toBe("it's two\nit's\n");
  });

  test("asks servers what they have, and takes nothing", async () => {
    const server = await new CacheServer().start();
    try {
      const withServer = () => cacheConfig({ artifacts: { servers: [{ url: server.url, push: true }] } });
      const plan = async (config: string, ...args: string[]) => {
        const { code, stdout, stderr } = await runCli(["build", "--dry-run", "--json", ...args], { cwd, config });
        expect(code, stderr).toBe(0);
        return names(JSON.parse(stdout).jobs);
      };
      const all = ["a.bst", "b.bst", "layer.bst", "stack.bst"];
      const first = withServer();
      expect(await plan(first, "layer.bst")).toEqual(
        ["build", "fetch", "push"].flatMap((action) => all.map((element) => `${action} ${element}`)),
      );
      expect((await runCli(["build", "b.bst"], { cwd, config: first })).code).toBe(0);
      const second = withServer();
      const expected = [
        ...["build", "fetch"].flatMap((action) => ["layer.bst", "stack.bst"].map((element) => `${action} ${element}`)),
        ...["a.bst", "b.bst"].map((element) => `pull ${element}`),
        ...all.map((element) => `push ${element}`),
      ].sort();
      expect(await plan(second, "layer.bst")).toEqual(expected);
      // Twice the same: nothing was pulled.
      expect(await plan(second, "layer.bst")).toEqual(expected);
    } finally {
      await server.stop();
    }
  });

  test("is needed for its options", async () => {
    expect(await run("build", "--json", "a.bst")).toMatchObject({ code: 255, error: { domain: "app" } });
  });
});

function same(jobs: readonly string[], announced: readonly string[]): boolean {
  expect([...jobs].sort()).toEqual(announced);
  return true;
}
