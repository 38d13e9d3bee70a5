/** Nothing of a build runs on when it has ended, is stopped, or its process is killed. */
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startDriver } from "./driver-bundle.ts";
import {
  cas,
  INSTALL_ROOT,
  listing,
  mounts,
  open,
  processesWith,
  rareWays,
  run,
  runIn,
  shell,
  workingWays,
} from "./rig.ts";

let count = 0;

/** A number of seconds that no other process sleeps. */
function marker(): string {
  return `${100000 + process.pid}.${++count}`;
}

async function until(condition: () => boolean): Promise<void> {
  for (const began = Date.now(); !condition(); await sleep(5)) {
    if (Date.now() - began > 20_000) throw new Error("it did not happen in time");
  }
}

describe.each([...workingWays, ...rareWays])("$name", ({ name, host }) => {
  it("kills a command with all that it started when it is aborted", async () => {
    const time = marker();
    const controller = new AbortController();
    // In the background, in other sessions, deaf to signals.
    const script = `trap "" TERM INT HUP; (sleep ${time} & sleep ${time} &); perl -e 'setpgrp; exec @ARGV' sleep ${time} & sleep ${time}`;
    await using sandbox = await open(host);
    const ended = runIn(sandbox, shell(script), controller.signal);
    await until(() => processesWith(`sleep\0${time}`).length >= 4);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(ended).rejects.toBe(reason);
    expect(processesWith(time)).toEqual([]);
    expect(mounts()).toEqual([]);
  });

  it("does not start when it is aborted before, or while it is set up", async () => {
    const time = marker();
    const before = fs.readdirSync(`${cas.root}/sandboxes`);
    await using sandbox = await open(host);
    await expect(runIn(sandbox, shell(`sleep ${time}`), AbortSignal.abort())).rejects.toThrow();
    for (const delay of [0, 1, 3, 6, 10, 15, 20]) {
      const controller = new AbortController();
      const ended = runIn(sandbox, shell(`sleep ${time}`), controller.signal);
      setTimeout(() => controller.abort(), delay);
      await expect(ended).rejects.toThrow();
      expect(processesWith(time)).toEqual([]);
    }
    expect(fs.readdirSync(`${cas.root}/sandboxes`)).toEqual(before);
  });

  it("ends what a command left in the background before it takes the files", async () => {
    const time = marker();
    const script = `(sleep ${time} > /dev/null 2>&1 &); (while :; do echo x >> ${INSTALL_ROOT}/grows; done) > /dev/null 2>&1 & sleep 0.1; echo early > ${INSTALL_ROOT}/early`;
    const { status, tree } = await run(host, script);
    expect(processesWith(time)).toEqual([]);
    expect(status).toBe(0);
    expect(listing(tree, "buildstream-install")).toEqual(["early", "grows"]);
  });

  it("leaves nothing running when its own process is killed", async () => {
    const time = marker();
    const child = await startDriver({ options: host.options, script: `sleep ${time} & sleep ${time}` });
    await until(() => processesWith(`sleep\0${time}`).length >= 2);
    child.kill("SIGKILL");
    await until(() => processesWith(time).length === 0);
    expect(mounts()).toEqual([]);
    // What the next one finds of it must not disturb.
    expect((await run(host, "true")).status, name).toBe(0);
  });
});
