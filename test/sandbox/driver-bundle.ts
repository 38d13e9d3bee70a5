/** The driver as one file that any user's Node.js can run. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import type { Answer, Request } from "./driver.ts";
import { cas, rootFolder, temporaryDirectory } from "./rig.ts";

let bundle: Promise<string> | undefined;

async function bundled(): Promise<string> {
  const outfile = path.join(temporaryDirectory("driver"), "driver.mjs");
  const entryPoints = [path.join(import.meta.dirname, "driver.ts")];
  await build({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", target: "node20" });
  return outfile;
}

async function commandLine(): Promise<string[]> {
  bundle ??= bundled();
  return [process.execPath, await bundle];
}

function complete(request: Partial<Request>): Request {
  return { cas: cas.root, root: rootFolder, options: {}, script: "true", rootReadOnly: true, ...request };
}

/** @param launcher comes before the command */
export async function startDriver(request: Partial<Request>, launcher: readonly string[] = []): Promise<ChildProcess> {
  const [program = "", ...args] = [...launcher, ...(await commandLine())];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(JSON.stringify(complete(request)));
  return child;
}

/** The driver as a command for a terminal. */
export async function terminalDriver(request: Partial<Request>): Promise<readonly string[]> {
  return [...(await commandLine()), JSON.stringify({ ...complete(request), interactive: true })];
}

export async function askDriver(
  request: Partial<Request>,
  launcher: readonly string[] = [],
): Promise<Answer & { readonly output: string }> {
  const child = await startDriver(request, launcher);
  if (child.stdout === null || child.stderr === null) throw new Error("no pipes");
  const [answer, output] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (answer === "") throw new Error(output);
  return { ...JSON.parse(answer), output };
}
