/** Source kind `cargo2`: the crates that a Cargo.lock names, vendored, and the configuration that makes cargo use them. */
import pLimit from "p-limit";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text, textMap } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import { type MappingNode, nodeFrom, type Plain, type SequenceNode } from "../yaml/node.ts";
import { cargoConfig } from "./cargo-config.ts";
import {
  type Crate,
  crateKey,
  crateList,
  crateRef,
  type GitCrate,
  type RegistryCrate,
  readCrate,
} from "./cargo-crates.ts";
import { stageGitCrate } from "./cargo-git.ts";
import { lockedCrates } from "./cargo-lock.ts";
import { stageRegistryCrate } from "./cargo-registry.ts";
import { type DescribedRef, GitRepoMirror } from "./git-repo-mirror.ts";
import { MirrorFile, urlDirectoryName } from "./mirror-file.ts";
import { noInfo } from "./no-info.ts";
import { isSince } from "./package-version.ts";

const CRATES = "https://static.crates.io/crates";
const DOWNLOADS = 6;

class Cargo2Source implements Source {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  /** With the slash that what follows needs. */
  readonly #url: string;
  readonly #lockFile: string;
  readonly #vendorDirectory: string;
  /** From the beginning of a repository's URL to what takes its place. */
  readonly #gitMirrors: readonly (readonly [string, string])[];
  #crates: readonly Crate[];

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.#declaredUrl = config.string("url") ?? CRATES;
    this.#lockFile = config.string("cargo-lock") ?? "Cargo.lock";
    this.#vendorDirectory = config.string("vendor-dir") ?? ".vendored-crates";
    const mirrors = config.mapping("git-mirrors");
    this.#gitMirrors = (mirrors?.keys() ?? []).map((key) => [key, mirrors?.string(key) ?? ""]);
    this.#url = /[:/]$/.test(this.#declaredUrl) ? this.#declaredUrl : `${this.#declaredUrl}/`;
    context.resolveUrl(this.#url);
    this.#crates = this.#read(config.sequence("ref"));
  }

  get ref(): Ref {
    return this.#crates.map(crateRef);
  }

  /** A project may have no crates at all. */
  get isResolved(): boolean {
    return this.#crates.every((crate) => crate.kind === "git" || crate.sha !== undefined);
  }

  uniqueKey(): KeyValue {
    // How the crates are put down is keyed by its version.
    const layout = "a";
    return [this.#declaredUrl, this.#lockFile, this.#vendorDirectory, this.#crates.map(crateKey), layout];
  }

  setRef(ref: Ref | undefined): void {
    const node = ref === undefined ? undefined : nodeFrom(ref);
    this.#crates = node?.type === "sequence" ? this.#read(node) : [];
  }

  loadRef(node: MappingNode): void {
    this.#crates = this.#read(node.sequence("ref"));
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#crates.every((crate) =>
      crate.kind === "git"
        ? this.#gitMirror(crate).has(io, describedRef(crate))
        : this.#file(crate).isCached(io, crate.sha),
    );
  }

  async track(io: SourceIo): Promise<Ref> {
    const { provenance } = this.#context;
    if (io.previous === undefined) throw new BstError("source", `${provenance}: There are no sources before it`);
    const facts = new Map(this.#crates.map((crate) => [crate.name, crate.provenance]));
    const limit = pLimit(DOWNLOADS);
    const crates = await lockedCrates(io.previous, this.#lockFile, provenance, (url) => this.#mirrored(url));
    const known = crates.map((crate) =>
      limit(async (): Promise<Crate> => {
        const told = { ...crate, provenance: facts.get(crate.name) };
        if (told.kind === "git" || told.sha !== undefined) return told;
        return { ...told, sha: await this.#file(told).track(io) };
      }),
    );
    return (await Promise.all(known)).map(crateRef);
  }

  async fetch(io: SourceIo): Promise<void> {
    const limit = pLimit(DOWNLOADS);
    const archives = this.#crates.filter((crate) => crate.kind === "registry");
    await Promise.all(archives.map((crate) => limit(async () => crate.sha && this.#file(crate).fetch(io, crate.sha))));
    // Several may be in the same repository.
    for (const crate of this.#crates) {
      if (crate.kind === "git") await this.#gitMirror(crate).fetch(io, describedRef(crate));
    }
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const { provenance } = this.#context;
    const repositories = new Map<string, GitCrate>();
    for (const crate of this.#crates) {
      const vendor = tree.makeDirectory(this.#vendorDirectory);
      if (vendor.exists(`${crate.name}-${crate.version}`)) {
        throw new BstError(
          "source",
          `${provenance}: The crate ${crate.name} ${crate.version} comes from several sources, and cargo takes one`,
        );
      }
      const what = `${provenance}: The crate ${crate.name} ${crate.version}`;
      if (crate.kind === "git") {
        await stageGitCrate(vendor, crate, this.#gitMirror(crate).path(io), io, what);
        const { repo, query } = crate;
        repositories.set(`${repo}?${JSON.stringify(query)}`, crate);
      } else {
        await stageRegistryCrate(vendor, crate, this.#file(crate).path(io, crate.sha ?? ""), io, what);
      }
    }
    const text = cargoConfig({
      registry: this.#context.resolveUrl(this.#url),
      vendorDirectory: this.#vendorDirectory,
      repositories: [...repositories.values()].map(({ repo, query }) => ({
        url: this.#context.resolveUrl(repo),
        query,
      })),
    });
    tree.makeDirectory(".cargo").addFile("config.toml", io.cas.write(text), { executable: false });
  }

  info(): readonly SourceInfo[] {
    if (this.#crates.length === 0) return noInfo(this.#context);
    const ecosystem = (name: string) => (isSince(this.#context, 2, 4) ? { ecosystem: name } : {});
    return this.#crates.map((crate) => {
      const { name, version, provenance } = crate;
      const common = { versionGuess: version, ...(provenance !== undefined && { attributes: provenance }) };
      if (crate.kind === "git") {
        return {
          url: this.#context.resolveUrl(this.#mirrored(crate.repo)),
          medium: "git",
          versionType: "commit",
          version: crate.commit,
          ...common,
          extraData: { "crate-name": name, ...ecosystem("GIT") },
        };
      }
      return {
        url: this.#context.resolveUrl(this.#archiveUrl(crate)),
        medium: "remote-file",
        versionType: "sha256",
        version: crate.sha,
        ...common,
        extraData: ecosystem("crates.io"),
      };
    });
  }

  #read(list: SequenceNode | undefined): Crate[] {
    const crates = list?.mappings().map(readCrate) ?? [];
    for (const crate of crates) if (crate.kind === "git") this.#context.resolveUrl(crate.repo);
    return crates;
  }

  /** The URL with the longest beginning replaced that `git-mirrors` has. */
  #mirrored(url: string): string {
    let best: readonly [string, string] | undefined;
    for (const mirror of this.#gitMirrors) {
      if (url.startsWith(mirror[0]) && mirror[0].length > (best?.[0].length ?? -1)) best = mirror;
    }
    return best === undefined ? url : best[1] + url.slice(best[0].length);
  }

  #archiveUrl({ name, version }: RegistryCrate): string {
    return `${this.#url}${name}/${name}-${version}.crate`;
  }

  #file(crate: RegistryCrate): MirrorFile {
    const directory = `${urlDirectoryName(this.#url)}/${crate.name}/${crate.version}`;
    return new MirrorFile(this.#context, this.#archiveUrl(crate), directory);
  }

  #gitMirror({ repo }: GitCrate): GitRepoMirror {
    return new GitRepoMirror(this.#context, this.#mirrored(repo), undefined);
  }
}

/** Nothing but the commit itself is needed. */
function describedRef({ commit }: GitCrate): DescribedRef {
  return { commit, tag: undefined, offset: "0" };
}

export const cargo2: SourceKind = {
  kind: "cargo2",
  isPlugin: true,
  schema: record({
    url: text,
    ref: crateList,
    "cargo-lock": text,
    "vendor-dir": text,
    "git-mirrors": textMap,
  }),
  needsPrevious: { track: true },
  configure: (config, context) => new Cargo2Source(config, context),
};
