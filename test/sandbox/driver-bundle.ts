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

/** @param launcher comes before the command */
export async function startDriver(request: Partial<Request>, launcher: readonly string[] = []): Promise<ChildProcess> {
  bundle ??= bundled();
  const [program = "", ...args] = [...launcher, process.execPath, await bundle];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const whole: Request = {
    cas: cas.root,
    root: rootFolder,
    options: {},
    script: "true",
    rootReadOnly: true,
    ...request,
  };
  child.stdin.end(JSON.stringify(whole));
  return child;
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
