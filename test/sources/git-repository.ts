/** Small git repositories with fixed dates, so that their commits have the same names in every run. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type FileContent, writeFiles } from "../helpers.ts";

export class GitRepository {
  readonly directory: string;
  #time = 1_600_000_000;

  constructor(parent: string, name: string) {
    this.directory = join(parent, name);
    mkdirSync(this.directory, { recursive: true });
    this.git("init", "--quiet", "--initial-branch=main");
  }

  /** Runs git in it and returns what it prints, without white space around it. */
  git(...args: string[]): string {
    const date = `${this.#time} +0000`;
    const { PATH } = process.env;
    const env = {
      PATH,
      HOME: this.directory,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Author",
      GIT_AUTHOR_EMAIL: "author@example.org",
      GIT_COMMITTER_NAME: "Author",
      GIT_COMMITTER_EMAIL: "author@example.org",
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    };
    const output = execFileSync("git", ["-c", "protocol.file.allow=always", ...args], {
      cwd: this.directory,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return output.trim();
  }

  /** Adds all files and commits them, a minute after the commit before. @returns the commit */
  commit(message: string, files: Readonly<Record<string, FileContent>> = {}): string {
    this.#time += 60;
    writeFiles(this.directory, files);
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.git("rev-parse", "HEAD");
  }

  /** Merges a branch. @returns the commit */
  merge(branch: string): string {
    this.#time += 60;
    this.git("merge", "--quiet", "--no-ff", "--message", `merge ${branch}`, branch);
    return this.git("rev-parse", "HEAD");
  }

  /** An annotated tag, or a lightweight one. */
  tag(name: string, options: { readonly annotated: boolean }): void {
    if (options.annotated) this.git("tag", "--annotate", "--message", name, name);
    else this.git("tag", name);
  }

  submodule(url: string, path: string): void {
    this.git("submodule", "--quiet", "add", "--", url, path);
  }
}
