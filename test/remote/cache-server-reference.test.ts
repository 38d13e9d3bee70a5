/** The client and the server that BuildStream comes with, and the server that serves sandboxes here. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cas } from "../../src/cas/store.ts";
import { serveCache } from "../../src/remote/server/server.ts";
import { python } from "../cas/oracle.ts";
import { tempDir } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";

const client = join(import.meta.dirname, "client.py");
const casd = join(python, "../../../buildbox/buildbox-casd");

type Answers = Record<string, unknown>;

async function ask(socket: string): Promise<Answers> {
  const { stdout } = await promisify(execFile)(python, [client, `unix:${socket}`]);
  return JSON.parse(stdout);
}

async function serve(allowsUpdates: boolean): Promise<AsyncDisposable & { readonly socket: string }> {
  const folder = tempDir("served");
  const cas = new Cas(join(folder, "cas"));
  const actionCache = join(folder, "actioncache");
  const socket = join(folder, "socket");
  const server = await serveCache(socket, { cas, actionCache, allowsUpdates });
  return { socket, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe.skipIf(absent !== undefined || !existsSync(casd))("a client of BuildStream", () => {
  let reference: ChildProcess;
  let theirs: Answers;

  beforeAll(async () => {
    const folder = tempDir("casd");
    const socket = join(folder, "socket");
    reference = spawn(casd, [`--bind=unix:${socket}`, join(folder, "cache")], { stdio: "ignore" });
    for (let tries = 0; !existsSync(socket); tries++) {
      if (tries > 200) throw new Error("buildbox-casd does not answer");
      await sleep(50);
    }
    theirs = await ask(socket);
  });

  afterAll(() => {
    reference?.kill();
  });

  it("is answered as buildbox-casd answers", async () => {
    await using server = await serve(true);
    expect(await ask(server.socket)).toEqual(theirs);
    expect(Object.keys(theirs).length).toBeGreaterThan(60);
  });

  it("may ask for results of actions, and not change them, where the element does not say so", async () => {
    await using server = await serve(false);
    const ours = await ask(server.socket);
    const different = Object.keys(theirs).filter((name) => !isSame(ours[name], theirs[name]));
    expect(different.filter((name) => !/^(capabilities$|update: |after|replaced)/.test(name))).toEqual([]);
    expect(Object.keys(ours).filter((name) => ours[name] === "PERMISSION_DENIED")).toEqual(
      Object.keys(ours).filter((name) => /^(update: |replaced)/.test(name)),
    );
    expect(
      Object.entries(ours).filter(([name, answer]) => name.startsWith("after: ") && answer !== "NOT_FOUND"),
    ).toEqual([]);
  });
});

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
