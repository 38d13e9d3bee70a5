/** A terminal that the program under test has, with somebody who types. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { quote } from "../src/base/quote.ts";

const SCRIPT = "/usr/bin/script";

/** False on machines that have no `script`, with which terminals are made. */
export const hasTerminals = existsSync(SCRIPT);
if (!hasTerminals) console.warn("skipped: terminals: this machine has no `script`");

/**
 * Types one line after the other, each once the screen ends with the prompt.
 * @returns all that was on the screen, and how the command ended
 */
export async function type(
  command: readonly string[],
  lines: readonly string[],
  options: {
    readonly prompt: string | RegExp;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
  },
): Promise<{ screen: string; status: number }> {
  const { prompt, cwd, env = {} } = options;
  const child = spawn(SCRIPT, ["--quiet", "--return", "--command", command.map(quote).join(" "), "/dev/null"], {
    cwd,
    env: { ...process.env, ...env },
  });
  let screen = "";
  let answered = 0;
  const left = [...lines];
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    const asked = typeof prompt === "string" ? screen.endsWith(prompt) : prompt.test(screen.slice(answered));
    const line = asked ? left.shift() : undefined;
    if (line === undefined) return;
    answered = screen.length;
    child.stdin.write(line);
  });
  const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return { screen: screen.replaceAll("\r", ""), status };
}
