/** Source kind `cargo`: the crates that a Cargo.lock names, of one registry, vendored. */

import type { KeyValue } from "../base/json.ts";
import { record } from "../base/schema.ts";
import { says } from "../project/plugin-text.ts";
import type { Ref, SourceContext, SourceKind } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { type Crate, readRegistryCrate } from "./cargo-crates.ts";
import { byKeys, type LockedPackage } from "./cargo-lock.ts";
import { CrateSource, crateProperties } from "./crate-source.ts";

class CargoSource extends CrateSource {
  constructor(config: MappingNode, context: SourceContext) {
    super(config, context, "crates");
    this.readCrates(config.sequence("ref"));
  }

  override get ref(): Ref | undefined {
    return this.crates.length === 0 ? undefined : super.ref;
  }

  override get isResolved(): boolean {
    return this.crates.length > 0 && super.isResolved;
  }

  uniqueKey(): KeyValue {
    const crates = this.crates.map((crate) => ({
      name: crate.name,
      version: crate.version,
      sha: crate.kind === "registry" ? (crate.sha ?? null) : null,
    }));
    return [this.declaredUrl, this.lockFile, this.vendorDirectory, crates.length === 0 ? null : crates];
  }

  protected override readCrate(node: MappingNode): Crate {
    return readRegistryCrate(node);
  }

  protected override crateRef({ name, version, provenance, ...rest }: Crate): Plain {
    const sha = rest.kind === "registry" ? rest.sha : undefined;
    return {
      name,
      version,
      ...(sha !== undefined && { sha }),
      ...(provenance !== undefined && { provenance: provenance.toPlain() }),
    };
  }

  protected override fromLock(packages: readonly LockedPackage[]): Crate[] {
    return packages
      .map(
        ({ name, version, checksum: sha }): Crate => ({ kind: "registry", name, version, sha, provenance: undefined }),
      )
      .sort(byKeys(({ name, version }) => [name, version]));
  }

  protected override cargoConfig() {
    // The first plugins added no slash.
    const registry = says(this.context, /\boriginal_url\b/) ? this.url : this.declaredUrl;
    const lines = [
      "[source.crates-io]",
      `registry = "${this.context.resolveUrl(registry)}"`,
      'replace-with = "vendored-sources"',
      "[source.vendored-sources]",
      `directory = "${this.vendorDirectory}"`,
      "",
    ];
    return { name: "config", text: lines.join("\n") };
  }

  protected override ecosystem(): Readonly<Record<string, string>> {
    return {};
  }
}

export const cargo: SourceKind = {
  kind: "cargo",
  isPlugin: true,
  describesParts: true,
  schema: record(crateProperties),
  needsPrevious: { track: true },
  configure: (config, context) => new CargoSource(config, context),
};
