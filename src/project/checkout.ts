/** What git knows of the folder of a project. */
import { spawnSync } from "node:child_process";
import { publicUrl } from "../base/public-url.ts";

export interface Checkout {
  /** Where others get it, without credentials; undefined where it has no remote, or one on this machine. */
  readonly url: string | undefined;
  readonly commit: string;
  /** Whether files that git knows differ from the commit. */
  readonly isChanged: boolean;
  /** The nearest tag, with the way from there, as `git describe` has it; undefined without tags. */
  readonly version: string | undefined;
  /** Seconds since 1970, of the commit. */
  readonly committed: number;
}

/**
 * Undefined where there is no git, or the folder belongs to no repository: it could be in a cache, say, below one that has
 * nothing to do with it.
 * @param member name of a file there that the repository has
 */
export function readCheckout(directory: string, member: string): Checkout | undefined {
  if (git(directory, "ls-files", "--error-unmatch", "--", member) === undefined) return undefined;
  // One at a time: in an empty repository the first fails.
  const [commit = "", committed = ""] = git(directory, "log", "-1", "--format=%H %ct")?.split(" ") ?? [];
  if (commit === "") return undefined;
  const remote = git(directory, "config", "--get", "remote.origin.url");
  return {
    url: remote === undefined ? undefined : webUrl(publicUrl(remote)),
    commit,
    isChanged: git(directory, "status", "--porcelain", "--untracked-files=no") !== "",
    version: git(directory, "describe", "--tags"),
    committed: Number(committed),
  };
}

function git(directory: string, ...words: string[]): string | undefined {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const env = { ...Object.fromEntries(own), LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" };
  const { status, stdout } = spawnSync("git", words, {
    cwd: directory,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** What browsers open, as far as it can be told: hosts that have a user `git` show repositories under the same path. */
function webUrl(url: string): string | undefined {
  const path = /^ssh:\/\/git@([^/:]+)\/(.+)$/.exec(url);
  if (path !== null) return `https://${path[1]}/${path[2]}`;
  return /^[a-z][a-z+]*:\/\//.test(url) && !url.startsWith("file:") ? url : undefined;
}
