/** What the kinds have in common whose refs list the crates of a Cargo.lock. */
import pLimit from "p-limit";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import { says } from "../project/plugin-text.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo } from "../project/source-kind.ts";
import { type MappingNode, nodeFrom, type Plain, type SequenceNode } from "../yaml/node.ts";
import { type Crate, crateList, type GitCrate, type RegistryCrate } from "./cargo-crates.ts";
import { stageGitCrate } from "./cargo-git.ts";
import { type LockedPackage, lockedPackages } from "./cargo-lock.ts";
import { stageRegistryCrate } from "./cargo-registry.ts";
import { type DescribedRef, GitRepoMirror } from "./git-repo-mirror.ts";
import { MirrorFile, urlDirectoryName } from "./mirror-file.ts";

const CRATES = "https://static.crates.io/crates";
const DOWNLOADS = 6;
/** What plugins say that know of facts about single crates. */
const CRATE_PROVENANCE = /provenance_node=self\.provenance/;

export const crateProperties: { readonly [key: string]: JsonSchema } = {
  url: text,
  ref: crateList,
  "cargo-lock": text,
  "vendor-dir": text,
};

export abstract class CrateSource implements Source {
  protected readonly context: SourceContext;
  protected readonly declaredUrl: string;
  /** With the slash that what follows needs. */
  protected readonly url: string;
  protected readonly lockFile: string;
  protected readonly vendorDirectory: string;
  protected crates: readonly Crate[] = [];

  constructor(config: MappingNode, context: SourceContext, vendorDirectory: string) {
    this.context = context;
    this.declaredUrl = config.string("url") ?? CRATES;
    this.lockFile = config.string("cargo-lock") ?? "Cargo.lock";
    this.vendorDirectory = config.string("vendor-dir") ?? vendorDirectory;
    this.url = /[:/]$/.test(this.declaredUrl) ? this.declaredUrl : `${this.declaredUrl}/`;
    context.resolveUrl(this.url);
  }

  abstract uniqueKey(): KeyValue;
  protected abstract readCrate(node: MappingNode): Crate;
  protected abstract crateRef(crate: Crate): Plain;
  /** The crates that a Cargo.lock names, sorted, without what the user says of them. */
  protected abstract fromLock(packages: readonly LockedPackage[]): Crate[];
  /** Where cargo looks for its configuration, below `.cargo`, and what makes it take the vendored crates. */
  protected abstract cargoConfig(): { readonly name: string; readonly text: string };
  protected abstract ecosystem(crate: Crate): Readonly<Record<string, string>>;

  get ref(): Ref | undefined {
    return this.crates.map((crate) => this.crateRef(crate));
  }

  get isResolved(): boolean {
    return this.crates.every((crate) => crate.kind === "git" || crate.sha !== undefined);
  }

  setRef(ref: Ref | undefined): void {
    const node = ref === undefined ? undefined : nodeFrom(ref);
    this.readCrates(node?.type === "sequence" ? node : undefined);
  }

  loadRef(node: MappingNode): void {
    this.readCrates(node.sequence("ref"));
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.crates.every((crate) =>
      crate.kind === "git"
        ? this.#gitMirror(crate).has(io, describedRef(crate))
        : this.#file(crate).isCached(io, crate.sha),
    );
  }

  async track(io: SourceIo): Promise<Ref> {
    const { provenance } = this.context;
    if (io.previous === undefined) throw new BstError("source", `${provenance}: There are no sources before it`);
    const facts = new Map(this.crates.map((crate) => [crate.name, crate.provenance]));
    const limit = pLimit(DOWNLOADS);
    const crates = this.fromLock(await lockedPackages(io.previous, this.lockFile, provenance));
    const known = crates.map((crate) =>
      limit(async (): Promise<Crate> => {
        const told = { ...crate, provenance: facts.get(crate.name) };
        if (told.kind === "git" || told.sha !== undefined) return told;
        return { ...told, sha: await this.#file(told).track(io) };
      }),
    );
    return (await Promise.all(known)).map((crate) => this.crateRef(crate));
  }

  async fetch(io: SourceIo): Promise<void> {
    const limit = pLimit(DOWNLOADS);
    const archives = this.crates.filter((crate) => crate.kind === "registry");
    await Promise.all(archives.map((crate) => limit(async () => crate.sha && this.#file(crate).fetch(io, crate.sha))));
    // Several may be in the same repository.
    for (const crate of this.crates) {
      if (crate.kind === "git") await this.#gitMirror(crate).fetch(io, describedRef(crate));
    }
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const { provenance } = this.context;
    for (const crate of this.crates) {
      const vendor = tree.makeDirectory(this.vendorDirectory);
      const what = `${provenance}: The crate ${crate.name} ${crate.version}`;
      if (vendor.exists(`${crate.name}-${crate.version}`)) {
        throw new BstError("source", `${what} comes from several sources, and cargo takes one`);
      }
      if (crate.kind === "git") {
        const repository = this.#gitMirror(crate).path(io);
        const { mergesFeatures } = this;
        await stageGitCrate(vendor, crate, { repository, mergesFeatures }, io, what);
      } else await stageRegistryCrate(vendor, crate, this.#file(crate).path(io, crate.sha ?? ""), io, what);
    }
    const { name, text } = this.cargoConfig();
    tree.makeDirectory(".cargo").addFile(name, io.cas.write(text), { executable: false });
  }

  info(): readonly SourceInfo[] {
    if (this.crates.length === 0) return noInfo(this.context);
    return this.crates.map((crate) => {
      const { name, version } = crate;
      const provenance = says(this.context, CRATE_PROVENANCE) ? crate.provenance : undefined;
      const common = { versionGuess: version, ...(provenance !== undefined && { attributes: provenance }) };
      if (crate.kind === "git") {
        return {
          url: this.context.resolveUrl(this.repositoryUrl(crate.repo)),
          medium: "git",
          versionType: "commit",
          version: crate.commit,
          ...common,
          extraData: { "crate-name": name, ...this.ecosystem(crate) },
        };
      }
      return {
        url: this.context.resolveUrl(this.#archiveUrl(crate)),
        medium: "remote-file",
        versionType: "sha256",
        version: crate.sha,
        ...common,
        extraData: this.ecosystem(crate),
      };
    });
  }

  /** Whether a crate gets its own features and those of its workspace. */
  protected get mergesFeatures(): boolean {
    return true;
  }

  /** To be called by constructors. */
  protected readCrates(list: SequenceNode | undefined): void {
    this.crates = list?.mappings().map((node) => this.readCrate(node)) ?? [];
    for (const crate of this.crates) if (crate.kind === "git") this.context.resolveUrl(crate.repo);
  }

  /** What is used in the place of a repository's URL. */
  protected repositoryUrl(url: string): string {
    return url;
  }

  #archiveUrl({ name, version }: RegistryCrate): string {
    return `${this.url}${name}/${name}-${version}.crate`;
  }

  #file(crate: RegistryCrate): MirrorFile {
    const directory = `${urlDirectoryName(this.url)}/${crate.name}/${crate.version}`;
    return new MirrorFile(this.context, this.#archiveUrl(crate), directory);
  }

  #gitMirror({ repo }: GitCrate): GitRepoMirror {
    return new GitRepoMirror(this.context, this.repositoryUrl(repo), undefined);
  }
}

/** Nothing but the commit itself is needed. */
function describedRef({ commit }: GitCrate): DescribedRef {
  return { commit, tag: undefined, offset: "0" };
}
