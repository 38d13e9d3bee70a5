/** Commands of elements with `remote-apis-socket` keep results of actions in the cache, and find them again. */
import { type ChildProcess, execFileSync } from "node:child_process";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { remoteApisSocket } from "../../src/build/remote-apis.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import type { SandboxConfig } from "../../src/project/sandbox-config.ts";
import { cacheConfig, project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { cas, processesWith, run, temporaryDirectory, workingWays } from "../sandbox/rig.ts";
import type { Verb } from "./action-client.ts";

const SOCKET = "/tmp/casd.sock";
/** A root with Node.js and the client. */
let folder: string;
let root: Digest;

beforeAll(async () => {
  folder = temporaryDirectory("client");
  writeRoot(folder);
  for (const name of ["var", "run"]) fs.mkdirSync(join(folder, name));
  const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g);
  fs.copyFileSync(process.execPath, join(folder, "usr/bin/node"));
  for (const [, library = ""] of libraries) {
    const to = join(folder, library);
    fs.mkdirSync(dirname(to), { recursive: true });
    if (!fs.existsSync(to)) fs.copyFileSync(fs.realpathSync(library), to);
  }
  const entryPoints = [join(import.meta.dirname, "action-client.ts")];
  const outfile = join(folder, "client.mjs");
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire("/");' };
  await build({ entryPoints, outfile, banner, bundle: true, platform: "node", format: "esm", target: "node20" });
  root = importLocal(cas, folder);
});

const client = (socket: string, verb: Verb, ...words: string[]): string =>
  `node /client.mjs ${socket} ${verb} ${words.map((word) => `'${word}'`).join(" ")}`;

/** One for each program that runs sandboxes: the rest makes no difference here. */
const ways = workingWays.filter(
  ({ name }, at) => workingWays.findIndex((way) => way.name.split(" ")[0] === name.split(" ")[0]) === at,
);

describe.each(ways)("$name", ({ host }) => {
  it.each([
    [SOCKET, undefined],
    ["/run/casd.sock", 1000],
  ])("serves the cache at %s to user %s", async (path, uid) => {
    const action = `${host.tools.bwrap} ${path} ${Math.random()}`;
    const within = async (actionCacheEnableUpdate: boolean, script: string): Promise<string> => {
      const config = { remoteApisSocket: { path, actionCacheEnableUpdate } } as SandboxConfig;
      const socket = remoteApisSocket(cas, config);
      const { stdout, stderr } = await run(host, script, {}, { root, socket, uid, gid: uid });
      expect(stderr).toBe("");
      return stdout;
    };
    expect(await within(false, `${client(path, "get", action)}; ${client(path, "put", action, "x")}`)).toBe(
      "NOT_FOUND\nPERMISSION_DENIED\n",
    );
    expect(await within(true, `${client(path, "put", action, "the output")}; ${client(path, "get", action)}`)).toBe(
      "stored\nfound the output\n",
    );
    expect(await within(false, client(path, "get", action))).toBe("found the output\n");
  });
});

it("is there in builds and shells, and in no artifact", async () => {
  const element = (update: boolean, commands: readonly string[]): string =>
    JSON.stringify({
      kind: "manual",
      "build-depends": ["base.bst"],
      sandbox: { "remote-apis-socket": { path: SOCKET, "action-cache-enable-update": update } },
      config: { "install-commands": commands.map((command) => `${command} >> %{install-root}/said`) },
    });
  const cwd = project({
    "base.bst": "kind: import\nsources: [{ kind: local, path: root }]\n",
    "put.bst": element(true, [
      "ls /tmp",
      client(SOCKET, "put", "an action", "built"),
      client(SOCKET, "get", "an action"),
    ]),
    "get.bst": element(false, [client(SOCKET, "get", "an action")]),
    "hang.bst": element(false, ["sleep 54321; true"]),
  });
  execFileSync("cp", ["-al", folder, join(cwd, "root")]);
  const config = cacheConfig();
  const cache = join(dirname(config), "cache");
  const bst = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(args, { cwd, config });
    expect(code, stderr).toBe(0);
    return stdout;
  };
  await bst("build", "put.bst");
  await bst("build", "get.bst");
  expect(fs.readdirSync(join(cache, "cas/sandboxes"))).toEqual([]);
  await bst("artifact", "checkout", "put.bst", "--deps", "none", "--directory", "put");
  await bst("artifact", "checkout", "get.bst", "--deps", "none", "--directory", "get");
  expect(fs.readFileSync(join(cwd, "put/said"), "utf8")).toBe("casd.sock\nstored\nfound built\n");
  expect(fs.readFileSync(join(cwd, "get/said"), "utf8")).toBe("found built\n");
  expect(fs.readdirSync(join(cwd, "put"))).toEqual(["said"]);
  expect(fs.readdirSync(join(cache, "actioncache/objects")).length).toBe(1);
  expect(await bst("shell", "--build", "get.bst", "--", "sh", "-c", client(SOCKET, "get", "an action"))).toBe(
    "found built\n",
  );
  // What is killed leaves no socket in the way of others.
  const sockets = (): string[] =>
    execFileSync("find", [join(cache, "cas/sandboxes"), "-type", "s"])
      .toString()
      .split("\n");
  const onStart = async ({ pid }: ChildProcess): Promise<void> => {
    while (sockets().length < 2) await sleep(20);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  };
  expect((await runCli(["build", "hang.bst"], { cwd, config, onStart })).code).toBeNull();
  expect(await bst("shell", "--build", "get.bst", "--", "sh", "-c", client(SOCKET, "get", "an action"))).toBe(
    "found built\n",
  );
  while (processesWith("sleep 54321").length > 0) await sleep(20);
});
