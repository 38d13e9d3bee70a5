/** Programs that keep docker's passwords: `docker-credential-NAME get`. */
import { spawn } from "node:child_process";
import type { CredentialOptions, Credentials } from "./credentials.ts";

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 1 << 20;
/** Characters of what it says when it fails. */
const MAX_COMPLAINT = 500;

/** Undefined, with a warning unless it simply does not know the server, where it gives none. */
export async function askHelper(
  name: string,
  server: string,
  { env, signal, warn }: CredentialOptions,
): Promise<Credentials | undefined> {
  // It becomes the name of a program.
  if (!/^[\w.-]+$/.test(name)) {
    warn(`No name of a credential helper: '${name}'`);
    return undefined;
  }
  const program = `docker-credential-${name}`;
  let result: { readonly code: number | null; readonly output: string };
  try {
    result = await run(program, server, env, signal);
  } catch (error) {
    signal.throwIfAborted();
    warn(`${program} cannot be run: going on without credentials`, error instanceof Error ? error.message : undefined);
    return undefined;
  }
  if (result.code !== 0) {
    // What goes wrong is to be on standard output, and often is not.
    if (!/not found/i.test(result.output)) {
      warn(
        `${program} failed: going on without credentials`,
        result.output.trim().slice(0, MAX_COMPLAINT) || undefined,
      );
    }
    return undefined;
  }
  try {
    const { Username, Secret } = JSON.parse(result.output) as { Username?: unknown; Secret?: unknown };
    if (typeof Username !== "string" || typeof Secret !== "string" || Secret === "") return undefined;
    if (Username === "<token>") return { kind: "identity-token", token: Secret };
    return { kind: "password", username: Username, password: Secret };
  } catch {
    warn(`${program} gave something else than JSON: going on without credentials`);
    return undefined;
  }
}

function run(
  program: string,
  input: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], {
      env,
      stdio: ["pipe", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      signal,
    });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(0, MAX_OUTPUT);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(0, MAX_COMPLAINT);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output: code === 0 ? output : output + complaint }));
    // It may end without reading.
    child.stdin.on("error", () => {});
    child.stdin.end(`${input}\n`);
  });
}
