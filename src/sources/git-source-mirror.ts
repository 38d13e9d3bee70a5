/** The mirrors that a `git` source keeps: one for its repository, and one for each submodule's. */
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { git, gitError, gitFetch, gitSync, notOption } from "./git-command.ts";
import { ensureMirror, hasObject, isShallow } from "./git-mirror.ts";
import { remoteRefs } from "./git-remote.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";

/** A repository and the revision that is wanted of it. */
export interface Module {
  /** Where in the source's repository it is; empty for that itself. */
  readonly path: string;
  /** As declared, with its alias. */
  readonly url: string;
  /** The URL that its mirror is named after: the repository's own, where the source says another. */
  readonly mirrorUrl: string;
  readonly ref: string;
}

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

/** `<tag>-0-g<commit>`, which one tag brings along. */
const EXACT_TAG = /^(?<tag>.*)-0-g(?<commit>.*)$/s;

export function isExactTag(ref: string): boolean {
  return EXACT_TAG.test(ref);
}

export function mirrorPath({ mirrorDirectory }: MirrorIo, url: string): string {
  return join(mirrorDirectory, urlDirectoryName(url));
}

/** The commit of a ref that ends in one, `<tag>-<n>-g<commit>` or alone; others are left for git to read. */
export function revision(ref: string): string {
  if (!isAskable(ref)) throw new BstError("source", `'${ref}' is no revision that git can be asked for`);
  return /(?:^|-g)([0-9a-f]{40})$/.exec(ref)?.[1] ?? ref;
}

function isAskable(ref: string): boolean {
  return /^[^-\s][^\s]*$/.test(ref);
}

export function hasRevision(repository: string, ref: string): boolean {
  if (!isAskable(ref) || !fs.existsSync(repository)) return false;
  const wanted = revision(ref);
  if (/^[0-9a-f]{40}$/.test(wanted)) return hasObject(repository, wanted);
  return gitSync(["cat-file", "-t", wanted], repository) !== undefined;
}

/** @throws BstError domain source, where no server has it */
export async function fetchModule(context: SourceContext, module: Module, io: SourceIo): Promise<void> {
  const repository = mirrorPath(io, module.mirrorUrl);
  await firstCandidate(context, module.url, "fetch", ({ url }) =>
    io.activity(`Fetching from ${url}`, async () => {
      await ensureMirror(repository, io.mirrorDirectory, io.signal);
      if (hasRevision(repository, module.ref)) return;
      if (!(await fetchTag(repository, url, module.ref, io))) {
        await fetchAll(repository, url, io, `${context.provenance}: Cannot fetch from ${url}`);
      }
      if (hasRevision(repository, module.ref)) return;
      throw new BstError("source", `${context.provenance}: The ref '${module.ref}' is not in the repository at ${url}`);
    }),
  );
}

/** All branches and tags. @param deepen whether to bring the history that an earlier fetch left out */
export async function fetchAll(
  repository: string,
  url: string,
  { signal }: SourceIo,
  failure: string,
  { deepen = false } = {},
): Promise<void> {
  const depth = deepen && isShallow(repository) ? ["--unshallow"] : [];
  const specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
  const args = ["--quiet", "--prune", ...depth, "--", notOption(url, "The URL"), ...specs];
  const result = await gitFetch(args, { repository, network: true, signal });
  if (result.code !== 0) throw gitError(failure, result, true);
}

/** Only the tag that a ref names, if the server still has it there. */
async function fetchTag(repository: string, url: string, ref: string, io: SourceIo): Promise<boolean> {
  const { tag, commit } = EXACT_TAG.exec(ref)?.groups ?? {};
  if (tag === undefined || commit === undefined) return false;
  const spec = `refs/tags/${tag}`;
  const refs = await remoteRefs(url, io.signal, [spec, `${spec}^{}`]);
  if (refs.get(spec) !== commit && refs.get(`${spec}^{}`) !== commit) return false;
  // A history that is whole already stays so.
  const isWhole = !isShallow(repository) && (await hasRefs(repository, io.signal));
  const args = ["--quiet", ...(isWhole ? [] : ["--depth=1"]), "--", url, `+${spec}:${spec}`];
  const { code } = await gitFetch(args, { repository, network: true, signal: io.signal });
  return code === 0;
}

async function hasRefs(repository: string, signal: AbortSignal): Promise<boolean> {
  const failure = `Cannot list the refs of ${repository}`;
  return (await git(["for-each-ref", "--count=1"], { repository, signal, failure })).length > 0;
}
