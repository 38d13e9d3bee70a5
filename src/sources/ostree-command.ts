/** Runs the program `ostree` on a repository. */
import { BstError } from "../base/errors.ts";
import type { SourceContext } from "../project/source-kind.ts";
import { runProgram } from "./run-program.ts";

/** @returns what it printed @throws BstError domain plugin, if it fails; prog-not-found, if it is missing */
export async function runOstree(
  repository: string,
  args: readonly string[],
  { provenance }: SourceContext,
  signal: AbortSignal,
): Promise<string> {
  // The option comes behind the command, which is two words for remotes.
  const words = args[0] === "remote" ? 2 : 1;
  const all = [...args.slice(0, words), `--repo=${repository}`, ...args.slice(words)];
  const { code, stdout, stderr } = await runProgram("ostree", all, { signal });
  if (code === 0) return stdout.toString();
  throw new BstError("plugin", `${provenance}: 'ostree ${args.slice(0, words).join(" ")}' failed`, { detail: stderr });
}

/** @throws BstError domain source, for what the program would take for an option */
export function remoteUrl(url: string, { provenance }: SourceContext): string {
  if (!url.startsWith("-")) return url;
  throw new BstError("source", `${provenance}: '${url}' is no URL`);
}
