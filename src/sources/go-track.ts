/** Which commit has the version of a Go module that a go.sum wants. */
import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { resolveCommit } from "./git-abbreviated.ts";
import { GitRepoMirror } from "./git-repo-mirror.ts";
import { pseudoVersionCommit, versionTag } from "./go-version.ts";
import { readUrl } from "./mirror-file.ts";
import { readText } from "./tree-text.ts";

export interface TrackedModule {
  readonly "go-version": string;
  readonly "git-ref": string;
  /** Of the module in the repository; empty where it is at the top. */
  readonly subdirectory: string;
}

/**
 * @param url of the repository, as declared
 * @throws BstError domain source
 */
export async function trackGoModule(
  module: string,
  url: string,
  previous: Tree,
  io: SourceIo,
  context: SourceContext,
): Promise<TrackedModule> {
  const { provenance } = context;
  const version = wantedVersion(readText(previous, "go.sum") ?? "", module);
  if (version === undefined) throw new BstError("source", `${provenance}: go.sum does not name ${module}`);
  const folder = await moduleFolder(module, io, context);
  const mirror = new GitRepoMirror(context, url, undefined);
  const short = pseudoVersionCommit(version);
  if (short !== undefined) {
    const commit = await resolveCommit(context, url, mirror.path(io), short, io);
    return { "go-version": version, "git-ref": commit, subdirectory: folder };
  }
  const found = versionTag(version);
  if (found === undefined) throw new BstError("source", `${provenance}: '${version}' is no version of a Go module`);
  const { tag, major } = found;
  // The folder of a major version need not be one in the repository.
  const subdirectory = folder.endsWith(major) ? folder.slice(0, -major.length).replace(/\/$/, "") : folder;
  const patterns = { track: posix.join(subdirectory, tag), exclude: [] };
  return { "go-version": version, "git-ref": await mirror.track(io, patterns, true), subdirectory };
}

function wantedVersion(goSum: string, module: string): string | undefined {
  for (const line of goSum.split("\n")) {
    const [name, version] = line.trim().split(/\s+/);
    if (name === module && version !== undefined && !/\/go\.(?:mod|sum)$/.test(version)) return version;
  }
  return undefined;
}

/** Where a module is in its repository: by its name on GitHub, else as its site says. */
async function moduleFolder(module: string, io: SourceIo, context: SourceContext): Promise<string> {
  if (module.startsWith("github.com")) return module.split("/").slice(3).join("/");
  const page = await readUrl(context, io, { url: `https://${module}?go-get=1` });
  const base = importRoot(page.toString("utf8"));
  if (base === undefined || !module.startsWith(base)) return "";
  return module.slice(base.length).replace(/^\//, "");
}

/** The name that all modules of a repository begin with, of the last `go-import` in a page. */
export function importRoot(html: string): string | undefined {
  let root: string | undefined;
  for (const [tag] of html.matchAll(/<meta\s[^>]*>/gi)) {
    const name = /\sname\s*=\s*["']?([^"'\s>]+)/i.exec(tag)?.[1];
    const content = /\scontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag);
    if (name === "go-import") root = (content?.[1] ?? content?.[2] ?? "").trim().split(/\s+/)[0];
  }
  return root;
}
