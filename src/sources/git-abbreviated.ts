/** Finds the commit whose name begins with a few digits. */
import { BstError } from "../base/errors.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { gitError, gitFetch, notOption, tryGit } from "./git-command.ts";
import { ensureMirror, isShallow } from "./git-mirror.ts";
import { firstCandidate } from "./mirror-file.ts";

/**
 * Fetches the whole repository into its mirror, since servers don't take abbreviated names.
 * @throws BstError domain source
 */
export async function resolveCommit(
  context: SourceContext,
  declaredUrl: string,
  repository: string,
  short: string,
  io: SourceIo,
): Promise<string> {
  const { provenance } = context;
  const { signal } = io;
  if (!/^[0-9a-f]{4,40}$/.test(short)) {
    throw new BstError("source", `${provenance}: '${short}' is no beginning of a commit's name`);
  }
  await ensureMirror(repository, io.mirrorDirectory, signal);
  return firstCandidate(context, declaredUrl, "track", async ({ url }) => {
    const depth = isShallow(repository) ? ["--unshallow"] : [];
    const specs = ["+refs/heads/*:refs/bst-ts/heads/*", "+refs/tags/*:refs/bst-ts/tags/*"];
    const args = ["--quiet", "--no-tags", ...depth, "--", notOption(url, "The URL"), ...specs];
    const fetched = await io.activity(`Fetching from ${url}`, () => gitFetch(args, { repository, signal }));
    if (fetched.code !== 0) throw gitError(`${provenance}: Cannot fetch from ${url}`, fetched, true);
    const parsing = ["rev-parse", "--verify", "--quiet", `${short}^{commit}`];
    const { code, stdout } = await tryGit(parsing, { repository, signal });
    if (code === 0) return stdout.toString("latin1").trim();
    throw new BstError("source", `${provenance}: Not exactly one commit at ${url} begins with '${short}'`);
  });
}
