/** `image run`: an image of an element, started by podman in storage of its own. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { cacheConfig, project, type RunResult, runCli, tempDir } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { Podman, podmanAbsent } from "./podman.ts";

if (podmanAbsent !== undefined) console.warn(`skipped: image run: ${podmanAbsent}`);

const config = cacheConfig();
let cwd: string;

const image = (command: string, more = "") => `kind: oci
build-depends: [root.bst]
config:
  images:
  - architecture: '${process.arch === "x64" ? "amd64" : process.arch}'
    os: linux
    layer: [root.bst]
    config:
      Entrypoint: [sh, -c, '${command}', sh]
      Env: ["PATH=/bin:/usr/bin"]
${more}`;

beforeAll(async () => {
  cwd = project({
    "root.bst": "kind: import\nsources: [{ kind: local, path: root }]\n",
    "app.bst": image('echo "by itself: $1"; exit 3', "      Cmd: [given]\n"),
    "waiting.bst": image('trap "exit 9" TERM; trap "exit 7" INT; echo up; sleep 30 & wait'),
  });
  writeRoot(join(cwd, "root"));
  const { code, stderr } = await runCli(["build", "app.bst", "waiting.bst"], { cwd, config });
  expect(code, stderr).toBe(0);
});

describe.skipIf(podmanAbsent !== undefined)("image run", () => {
  it("gives the container's output and exit status, and leaves the image only where it should", async () => {
    using podman = new Podman();
    const run = (...args: string[]): Promise<RunResult> =>
      runCli(["image", "run", "--network", "none", ...args], { cwd, config, env: podman.env });
    expect(await run("app.bst")).toMatchObject({ code: 3, stdout: "by itself: given\n" });
    expect(await run("app.bst", "--", "other")).toMatchObject({ code: 3, stdout: "by itself: other\n" });
    expect(await podman.images()).toEqual([]);
    expect(await run("--keep", "app.bst")).toMatchObject({ code: 3 });
    const [kept, ...others] = await podman.images();
    expect([kept, others]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), []]);
    // One that was there before stays.
    await run("app.bst");
    expect(await podman.images()).toEqual([kept]);
  });

  it.each([
    ["SIGTERM", 9],
    ["SIGINT", 7],
  ] as const)("hands %s on to the container, and cleans up when that has ended", async (signal, status) => {
    using podman = new Podman();
    const result = await runCli(["image", "run", "--network", "none", "waiting.bst"], {
      cwd,
      config,
      env: podman.env,
      onStart: (child) => child.stdout?.on("data", (text) => String(text).includes("up") && child.kill(signal)),
    });
    expect(result).toMatchObject({ code: status, stdout: "up\n" });
    expect(await podman.images()).toEqual([]);
  });

  it("says so where there is nothing to run it with", async () => {
    const empty = tempDir("empty");
    const result = await runCli(["image", "run", "app.bst"], { cwd, config, env: { PATH: empty } });
    expect(result).toMatchObject({ code: 255, error: { domain: "app", reason: "missing-container-engine" } });
  });
});
