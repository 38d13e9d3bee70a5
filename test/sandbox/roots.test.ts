/** Roots that are kept on disk: whole or not at all, never removed while they are used, and not for ever. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { RootCache } from "../../src/sandbox/roots.ts";
import { cas, open, run, runIn, shell, temporaryDirectory, workingWays } from "./rig.ts";

const FLOCK = "/usr/bin/flock";
const hasFlock = fs.existsSync(FLOCK);
if (!hasFlock) console.warn("skipped: removing roots: this machine has no flock");

function store() {
  const own = new Cas(`${temporaryDirectory("roots")}/cas`);
  const rootOf = (content: string) => {
    const tree = new Tree(own);
    tree.makeDirectory("dir").addFile("file", own.write(content), { executable: true });
    tree.addSymlink("link", "dir/file");
    return tree.digest();
  };
  return { own, rootOf, cache: (limit?: number) => new RootCache(own, FLOCK, limit) };
}

/** Locks a root as sandboxes do. */
async function hold(folder: string): Promise<void> {
  const child = spawn(FLOCK, ["--shared", `${folder}/lock`, "sh", "-c", "echo locked; read _"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => {
    child.stdin.end();
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
}

function age(folder: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  fs.utimesSync(folder, time, time);
  if (fs.existsSync(`${folder}/lock`)) fs.utimesSync(`${folder}/lock`, time, time);
}

describe("the cache of roots", () => {
  it("writes a root once, with BuildStream's modes and times", async () => {
    const { rootOf, cache } = store();
    const folder = await cache().ensure(rootOf("x"));
    const facts = (path: string) => {
      const { mtimeMs, mode } = fs.lstatSync(`${folder}/tree/${path}`);
      return [mtimeMs / 1000, (mode & 0o7777).toString(8)];
    };
    expect(facts("")).toEqual([1321009871, "755"]);
    expect(facts("dir")).toEqual([1321009871, "755"]);
    expect(facts("dir/file")).toEqual([1321009871, "755"]);
    expect(facts("link")).toEqual([1321009871, "777"]);
    const { ino } = fs.statSync(`${folder}/tree/dir`);
    await cache().ensure(rootOf("x"));
    expect(fs.statSync(`${folder}/tree/dir`).ino).toBe(ino);
  });

  it("never takes what is half made", async () => {
    const { own, rootOf, cache } = store();
    const digest = rootOf("x");
    fs.mkdirSync(`${own.root}/roots/.new-dead/tree/dir`, { recursive: true });
    const folder = await cache().ensure(digest);
    expect(fs.readdirSync(`${folder}/tree`)).toEqual(["dir", "link"]);
    const missing = new Tree(own, digest);
    missing.makeDirectory("more").addFile("gone", { hash: "0".repeat(64), size: 1 }, { executable: false });
    await expect(cache().ensure(missing.digest())).rejects.toMatchObject({ domain: "cas" });
    expect(fs.readdirSync(`${own.root}/roots`).sort()).toEqual([".new-dead", digest.hash]);
  });

  it.runIf(hasFlock)("removes those used longest ago when there are too many, and none that is used", async () => {
    const { own, rootOf, cache } = store();
    const folders: string[] = [];
    for (const [i, content] of ["a", "b", "c", "d"].entries()) {
      const folder = await cache().ensure(rootOf(content));
      age(folder, 1000 - i);
      folders.push(folder);
    }
    const [a = "", b = "", c = "", d = ""] = folders;
    await hold(a);
    // Each is two directories and a file of one byte.
    const size = 2 * 4096 + 1;
    const e = await cache(2 * size).ensure(rootOf("e"));
    expect([a, b, c, d, e].map((folder) => fs.existsSync(folder))).toEqual([true, false, true, true, true]);
    expect(fs.readdirSync(`${own.root}/roots`)).toHaveLength(4);
  });

  it.runIf(hasFlock)("removes what killed processes left, after a while", async () => {
    const { own, rootOf, cache } = store();
    const left = ["roots/.new-old", "roots/.old-old", "sandboxes/old", "sandboxes/busy"].map(
      (name) => `${own.root}/${name}`,
    );
    for (const folder of [...left, `${own.root}/roots/.new-young`]) {
      fs.mkdirSync(`${folder}/inner`, { recursive: true });
      fs.writeFileSync(`${folder}/lock`, "");
    }
    await hold(`${own.root}/sandboxes/busy`);
    for (const folder of left) age(folder, 7200);
    await cache().ensure(rootOf("x"));
    expect(fs.readdirSync(`${own.root}/roots`).filter((name) => name.startsWith("."))).toEqual([".new-young"]);
    expect(fs.readdirSync(`${own.root}/sandboxes`)).toEqual(["busy"]);
  });
});

describe.each(workingWays.filter(({ name }) => name.includes("overlay")))("$name", ({ host }) => {
  const rootsNow = () => fs.readdirSync(host.roots.path).filter((name) => !name.startsWith("."));

  it.runIf(hasFlock)("holds the root while a command runs", async () => {
    const tree = new Tree(cas);
    tree.importTree((await run(host, "true")).digest);
    tree.makeDirectory("held").addFile(host.options.backend ?? "", cas.write(""), { executable: false });
    const before = new Set(rootsNow());
    await using sandbox = await open(host, { root: tree.digest() });
    const fifo = `${temporaryDirectory()}/started`;
    const controller = new AbortController();
    const ended = runIn(sandbox, shell("touch started; sleep 1000"), controller.signal).catch(() => {});
    let folder: string | undefined;
    for (let i = 0; i < 400 && folder === undefined; i++) {
      await sleep(10);
      const name = rootsNow().find((each) => !before.has(each));
      if (name !== undefined) folder = `${host.roots.path}/${name}`;
    }
    expect(folder, fifo).toBeDefined();
    const tryLock = () =>
      new Promise((resolve) =>
        spawn(FLOCK, ["--exclusive", "--nonblock", `${folder}/lock`, "true"]).on("exit", resolve),
      );
    let status: unknown = 0;
    for (let i = 0; i < 400 && status === 0; i++) {
      await sleep(10);
      status = await tryLock();
    }
    expect(status).toBe(1);
    controller.abort();
    await ended;
    expect(await tryLock()).toBe(0);
  });

  it("writes a root again that was removed in the moment before it was locked", async () => {
    const { roots } = host;
    const ensure = roots.ensure.bind(roots);
    let removed = 0;
    Object.defineProperty(roots, "ensure", {
      configurable: true,
      value: async (...args: Parameters<typeof ensure>) => {
        const folder = await ensure(...args);
        if (removed++ < 2) fs.rmSync(removed === 1 ? folder : `${folder}/tree`, { recursive: true });
        return folder;
      },
    });
    onTestFinished(() => {
      Reflect.deleteProperty(roots, "ensure");
    });
    expect((await run(host, "cat /etc/plain")).stdout).toBe("plain");
    expect(removed).toBe(3);
  });
});
