/** The mirrors of the kinds `git_tag` and `git_module`: a whole clone of a repository, or one tag of it. */
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import { importLocal } from "../cas/import.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import { checkoutCommit, requireLfs } from "./git-checkout.ts";
import { git, gitError, gitFetch, gitSync, notOption, tryGit } from "./git-command.ts";
import { writeIndex } from "./git-index.ts";
import { moveIntoPlace, withTemporary } from "./git-mirror.ts";
import { remoteRefs } from "./git-remote.ts";
import { hasRevision, revision } from "./git-source-mirror.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";

type MirrorIo = Pick<SourceIo, "mirrorDirectory">;

export interface TagMirrorOptions {
  readonly context: SourceContext;
  /** For the names of warnings. */
  readonly kind: string;
  /** Where in the source's files it is staged; empty for their top. */
  readonly path: string;
  /** As declared, with its alias. */
  readonly url: string;
  /** Where the repository comes from, without mirrors. */
  readonly origin: string;
  readonly ref: string | undefined;
  readonly fullClone: boolean;
  /** Undefined where the source does not say. */
  readonly useLfs: boolean | undefined;
}

export class TagMirror {
  readonly path: string;
  readonly url: string;
  readonly #options: TagMirrorOptions;

  constructor(options: TagMirrorOptions) {
    this.path = options.path;
    this.url = options.url;
    this.#options = options;
  }

  get ref(): string {
    const { ref, context } = this.#options;
    if (ref === undefined) throw new BstError("source", `${context.provenance}: The source has no ref`);
    return ref;
  }

  /** The clone that is there, the whole one first. */
  repository(io: MirrorIo): string {
    const whole = this.#wholePath(io);
    return fs.existsSync(whole) ? whole : this.#tagPath(io);
  }

  has(io: MirrorIo): boolean {
    return hasRevision(this.repository(io), this.ref);
  }

  async fetch(io: SourceIo): Promise<void> {
    const { context } = this.#options;
    await firstCandidate(context, this.url, "fetch", ({ url }) =>
      io.activity(`Fetching from ${url}`, async () => {
        if (!fs.existsSync(this.repository(io)) && !(await this.#cloneTag(url, io))) await this.#cloneWhole(url, io);
        if (!this.has(io)) await this.update(url, io);
        if (this.has(io)) return;
        const message = `${context.provenance}: The ref '${this.ref}' is not in the repository at ${url}`;
        throw new BstError("source", message);
      }),
    );
    this.#reportLfs(io);
  }

  /** Brings all branches and tags. @returns the repository */
  async update(url: string, io: SourceIo): Promise<string> {
    await this.#cloneWhole(url, io);
    const repository = this.#wholePath(io);
    const specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    const args = ["--quiet", "--prune", "--force", "--", notOption(url, "The URL"), ...specs];
    const result = await gitFetch(args, { repository, network: true, signal: io.signal });
    if (result.code === 0) return repository;
    throw gitError(`${this.#options.context.provenance}: Cannot fetch from ${url}`, result, true);
  }

  /** Its files, and a whole repository beside them. */
  async stage(into: Tree, io: SourceIo): Promise<void> {
    const { useLfs } = this.#options;
    const repository = this.repository(io);
    this.#reportLfs(io);
    if (useLfs === true) await requireLfs(io.signal);
    const options = useLfs === true ? { lfsRemote: this.#options.origin } : {};
    const { commit, files, entries } = await checkoutCommit(repository, revision(this.ref), io, options);
    const staged = new Tree(io.cas, files);
    const directory = staged.makeDirectory(".git");
    directory.importTree(await this.#clone(repository, commit, io));
    directory.addFile("index", io.cas.write(writeIndex(entries)), { executable: false });
    into.makeDirectory(this.path).importTree(staged);
  }

  async initWorkspace(directory: string, io: SourceIo): Promise<void> {
    const { context, useLfs } = this.#options;
    const { signal } = io;
    await firstCandidate(context, this.url, "fetch", ({ url }) => this.#cloneWhole(url, io));
    const target = join(directory, this.path);
    const failure = `${context.provenance}: Cannot set up the workspace ${target}`;
    const run = (...args: string[]) => git(args, { cwd: directory, signal, failure, network: useLfs === true });
    await run("clone", "--quiet", "--no-checkout", "--", this.#wholePath(io), target);
    await run("-C", target, "remote", "set-url", "--", "origin", this.#options.origin);
    await run("-C", target, "checkout", "--quiet", "--force", revision(this.ref), "--");
  }

  #wholePath({ mirrorDirectory }: MirrorIo): string {
    return join(mirrorDirectory, urlDirectoryName(this.url));
  }

  #tagPath({ mirrorDirectory }: MirrorIo): string {
    return join(mirrorDirectory, urlDirectoryName(`${this.url}#${this.#options.ref}`));
  }

  async #cloneWhole(url: string, io: SourceIo): Promise<void> {
    if (fs.existsSync(this.#wholePath(io))) return;
    const failure = `${this.#options.context.provenance}: Cannot clone ${url}`;
    await withTemporary(io.mirrorDirectory, async (temporary) => {
      const args = ["clone", "--quiet", "--mirror", "--template=", "--", notOption(url, "The URL"), temporary];
      const result = await tryNetwork(args, io);
      if (result.code !== 0) throw gitError(failure, result, true);
      moveIntoPlace(temporary, this.#wholePath(io));
    });
  }

  /** Clones only the tag that the ref names. @returns whether the server has it there */
  async #cloneTag(url: string, io: SourceIo): Promise<boolean> {
    const { fullClone, context } = this.#options;
    const { tag, commit } = /^(?<tag>.*)-0-g(?<commit>.*)$/s.exec(this.ref)?.groups ?? {};
    if (fullClone || tag === undefined || commit === undefined) return false;
    const spec = `refs/tags/${tag}`;
    const refs = await remoteRefs(url, io.signal, [spec, `${spec}^{}`]);
    if (refs.get(spec) !== commit && refs.get(`${spec}^{}`) !== commit) return false;
    return withTemporary(io.mirrorDirectory, async (temporary) => {
      const { signal } = io;
      const failure = `${context.provenance}: Cannot make a clone of ${url}`;
      await git(["init", "--quiet", "--bare", "--template=", temporary], { signal, failure });
      const run = (...args: string[]) => git(args, { repository: temporary, signal, failure });
      await run("remote", "add", "--mirror=fetch", "origin", url);
      const args = ["--quiet", "--depth=1", "--", url, `+${spec}:${spec}`];
      const { code } = await gitFetch(args, { repository: temporary, network: true, signal });
      if (code !== 0) return false;
      // What has no branch could not be cloned.
      await run("update-ref", "--no-deref", "HEAD", `${commit}^{commit}`);
      moveIntoPlace(temporary, this.#tagPath(io));
      return true;
    });
  }

  /** The folder `.git` of a clone of the mirror, at a commit and without an index. */
  async #clone(repository: string, commit: string, io: SourceIo): Promise<Digest> {
    const { signal, cas } = io;
    const failure = `${this.#options.context.provenance}: Cannot clone the repository`;
    return withTemporary(io.mirrorDirectory, async (temporary) => {
      const target = join(temporary, "clone");
      const run = (...args: string[]) => git(args, { cwd: temporary, signal, failure });
      // A log would say when it was cloned, and the path of the mirror on whose machine.
      await run("-c", "core.logAllRefUpdates=false", "clone", "--quiet", "--no-checkout", "--", repository, target);
      await run("-C", target, "remote", "set-url", "--", "origin", this.#options.origin);
      await run("-C", target, "-c", "core.logAllRefUpdates=false", "update-ref", "--no-deref", "HEAD", commit);
      return importLocal(cas, join(target, ".git"));
    });
  }

  #reportLfs(io: SourceIo): void {
    const { useLfs, context, kind } = this.#options;
    if (useLfs !== undefined) return;
    const attributes = gitSync(["cat-file", "blob", `${revision(this.ref)}:.gitattributes`], this.repository(io));
    if (!/(?:filter|diff|merge)=lfs/.test(attributes?.toString() ?? "")) return;
    io.warn(
      `${context.provenance}: The repository uses git LFS, and the source does not say whether to fetch its files`,
      {
        token: `${kind}:unused-lfs`,
        detail: "Set 'use-lfs' to true or false.",
      },
    );
  }
}

/** Somewhere that is no repository, whose configuration would count. */
function tryNetwork(args: readonly string[], { signal }: SourceIo) {
  return tryGit(args, { cwd: "/", network: true, signal });
}
