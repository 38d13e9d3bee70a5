/** Source kind `cargo2`: the crates that a Cargo.lock names, of registries and repositories, vendored. */

import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { record, textMap } from "../base/schema.ts";
import { saidBy, says } from "../project/plugin-text.ts";
import type { SourceContext, SourceKind } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { cargoConfig } from "./cargo-config.ts";
import { type Crate, crateKey, crateRef, readCrate } from "./cargo-crates.ts";
import { byKeys, type LockedPackage } from "./cargo-lock.ts";
import { CrateSource, crateProperties } from "./crate-source.ts";
import { ecosystem } from "./ecosystem.ts";

// What plugins of some versions say.
const VENDOR_DIRECTORY = /["']vendor-dir["'],\s*["']([^"']+)["']\)/;
const LAYOUT = /self\.ref,\s*["'](\w+)["']/;
const RESOLVED_REPOSITORY = /translate_url\(\s*crate\.repo/;
const MERGED_FEATURES = /workspace_details\.get\(\s*["']features["']/;

class Cargo2Source extends CrateSource {
  /** From the beginning of a repository's URL to what takes its place. */
  readonly #gitMirrors: readonly (readonly [string, string])[];

  constructor(config: MappingNode, context: SourceContext) {
    super(config, context, saidBy(context, VENDOR_DIRECTORY) ?? ".vendored-crates");
    const mirrors = config.mapping("git-mirrors");
    this.#gitMirrors = (mirrors?.keys() ?? []).map((key) => [key, mirrors?.string(key) ?? ""]);
    this.readCrates(config.sequence("ref"));
  }

  uniqueKey(): KeyValue {
    // How the crates are put down is keyed by its version.
    const layout = saidBy(this.context, LAYOUT) === "x" ? "x" : "a";
    return [this.declaredUrl, this.lockFile, this.vendorDirectory, this.crates.map(crateKey), layout];
  }

  protected override readCrate(node: MappingNode): Crate {
    return readCrate(node);
  }

  protected override crateRef(crate: Crate): Plain {
    return crateRef(crate);
  }

  protected override fromLock(packages: readonly LockedPackage[]): Crate[] {
    const crates = packages.map((each) => this.#locked(each));
    return crates.sort(
      byKeys((crate) => [crate.name, crate.version, ...(crate.kind === "git" ? [crate.repo, crate.commit] : ["", ""])]),
    );
  }

  protected override cargoConfig() {
    const repositories = this.crates.flatMap((crate) =>
      crate.kind === "git" ? [{ url: this.#configuredUrl(crate.repo), query: crate.query }] : [],
    );
    const registry = this.context.resolveUrl(this.url);
    return {
      name: "config.toml",
      text: cargoConfig({ registry, vendorDirectory: this.vendorDirectory, repositories }),
    };
  }

  protected override ecosystem({ kind }: Crate): Readonly<Record<string, string>> {
    return ecosystem(this.context, kind === "git" ? "GIT" : "crates.io");
  }

  protected override get mergesFeatures(): boolean {
    return says(this.context, MERGED_FEATURES);
  }

  /** The first plugins took the URL as the ref has it. */
  #configuredUrl(repo: string): string {
    return says(this.context, RESOLVED_REPOSITORY) ? this.context.resolveUrl(repo) : repo;
  }

  /** The URL with the longest beginning replaced that `git-mirrors` has. */
  protected override repositoryUrl(url: string): string {
    let best: readonly [string, string] | undefined;
    for (const mirror of this.#gitMirrors) {
      if (url.startsWith(mirror[0]) && mirror[0].length > (best?.[0].length ?? -1)) best = mirror;
    }
    return best === undefined ? url : best[1] + url.slice(best[0].length);
  }

  #locked({ name, version, source, checksum }: LockedPackage): Crate {
    const [kind = "", ...rest] = source.split("+");
    const common = { name, version, provenance: undefined };
    if (kind === "registry") return { kind, ...common, sha: checksum };
    if (kind !== "git") {
      const { provenance } = this.context;
      throw new BstError("source", `${provenance}: The crate ${name} has a source of the unknown kind '${kind}'`);
    }
    const [, repo = "", query = "", commit = ""] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest.join("+")) ?? [];
    // Values that are empty are no values.
    const asked = [...new URLSearchParams(query)].filter(([, value]) => value !== "");
    return { kind, ...common, repo: this.repositoryUrl(repo), commit, query: Object.fromEntries(asked) };
  }
}

export const cargo2: SourceKind = {
  kind: "cargo2",
  isPlugin: true,
  schema: record({ ...crateProperties, "git-mirrors": textMap }),
  needsPrevious: { track: true },
  configure: (config, context) => new Cargo2Source(config, context),
};
