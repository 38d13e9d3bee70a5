/** The registry that Debian has, on the loopback interface. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { tempDir } from "../helpers.ts";

/** Serves until the test is over. Returns the registry's host. */
export async function serveDebianRegistry(): Promise<string> {
  const port = await freePort();
  const dir = tempDir("registry");
  writeFileSync(
    join(dir, "config.yml"),
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${dir}/store}}\nhttp: {addr: 127.0.0.1:${port}}\n`,
  );
  const server = spawn("docker-registry", ["serve", join(dir, "config.yml")], { stdio: "ignore" });
  onTestFinished(() => {
    server.kill();
  });
  for (let i = 0; i < 100; i++) {
    const answered = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (answered?.ok) return `127.0.0.1:${port}`;
    await sleep(50);
  }
  throw new Error("docker-registry does not answer");
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
