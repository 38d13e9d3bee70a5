/** The server that BuildStream comes with, and BuildStream itself on its other side. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { runReference } from "../oracle/reference.ts";

const installation = process.env["BST_ORACLE"] ?? "";
const casd = [join(installation, "buildbox/buildbox-casd"), ...pathsOf("buildbox-casd")].find((path) =>
  existsSync(path),
);
if (casd === undefined) console.warn("skipped: there is no buildbox-casd in PATH, and none below $BST_ORACLE");

function pathsOf(program: string): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, program));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

describe.skipIf(casd === undefined)("buildbox-casd", () => {
  let server: ChildProcess;
  let url: string;
  let cwd: string;

  beforeAll(async () => {
    const port = await freePort();
    server = spawn(casd ?? "", ["--bind", `127.0.0.1:${port}`, tempDir("casd")], { stdio: "ignore" });
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 200) throw new Error("buildbox-casd does not answer");
      await sleep(50);
    }
    url = `http://127.0.0.1:${port}`;
    cwd = project({
      "base.bst": "kind: import\nsources: [{ kind: local, path: files }]\n",
      "part.bst": "kind: compose\nbuild-depends: [base.bst]\n",
      "files/usr/bin/tool": { executable: "tool\n" },
      "files/usr/share/link": { symlink: "../bin/tool" },
      "files/usr/share/empty": "",
      "files/usr/share/large": randomBytes(12 << 20),
    });
  });

  afterAll(() => {
    server?.kill();
  });

  const config = () => {
    const settings = () => ({ servers: [{ url, push: true }] });
    return cacheConfig({ artifacts: settings(), "source-caches": settings() });
  };
  const clients = {
    "bst-ts": (args: readonly string[], config: string) => runCli(args, { cwd, config }),
    BuildStream: (args: readonly string[], config: string) => runReference(args, { cwd, config }),
  };

  async function exchange(pusher: keyof typeof clients, puller: keyof typeof clients): Promise<void> {
    // An artifact of its own for each exchange.
    writeFileSync(join(cwd, "files/who"), `${pusher} ${puller}`);
    const push = await clients[pusher](["build", "part.bst"], config());
    expect(push.code, push.stderr).toBe(0);
    const other = config();
    const pull = await clients[puller](["artifact", "pull", "--deps", "all", "part.bst"], other);
    expect(pull.code, pull.stderr).toBe(0);
    expect(pull.stderr.match(/INFO\s+Pulled artifact/g)).toHaveLength(2);
    const folder = join(tempDir("checkout"), "files");
    const args = ["artifact", "checkout", "--no-integrate", "--directory", folder, "part.bst"];
    const checkout = await clients[puller](args, other);
    expect(checkout.code, checkout.stderr).toBe(0);
    expect(readFileSync(join(folder, "usr/share/link"), "utf8")).toBe("tool\n");
    const large = "usr/share/large";
    expect(readFileSync(join(folder, large)).equals(readFileSync(join(cwd, "files", large)))).toBe(true);
    // The sources were pushed by the build as well.
    const sources = config();
    rmSync(join(parse(readFileSync(sources, "utf8")).cachedir, "sources"), { recursive: true, force: true });
    const again = await clients[puller](["source", "push", "base.bst"], sources);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain("already has source");
  }

  it("gives bst-ts what bst-ts has pushed", () => exchange("bst-ts", "bst-ts"));

  it.skipIf(absent !== undefined)("gives bst-ts what BuildStream has pushed", () => exchange("BuildStream", "bst-ts"));

  it.skipIf(absent !== undefined)("gives BuildStream what bst-ts has pushed", () => exchange("bst-ts", "BuildStream"));
});
