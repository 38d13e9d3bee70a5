/** Writes into a crate's manifest what it inherits from its workspace, which is not there when it is vendored. */
import { BstError } from "../base/errors.ts";
import { isTable, type TomlTable, type TomlValue } from "./toml-emit.ts";

export interface InheritOptions {
  /** Whether a dependency has its own features and those of its workspace, or only the latter. */
  readonly mergesFeatures: boolean;
  /** What errors begin with. */
  readonly what: string;
}

/**
 * Changes `manifest`.
 * @throws BstError domain source, where the workspace does not have what is inherited
 */
export function inheritWorkspace(manifest: TomlTable, workspace: TomlTable, options: InheritOptions): void {
  const { what } = options;
  const { dependencies } = workspace;
  if (isTable(dependencies)) {
    for (const table of dependencyTables(manifest)) inheritDependencies(table, dependencies, options);
  }
  inheritPackage(manifest["package"], workspace["package"], what);
  const { lints } = manifest;
  const common = workspace["lints"];
  if (isTable(lints) && lints["workspace"] === true && isTable(common)) manifest["lints"] = common;
}

function dependencyTables(manifest: TomlTable): TomlTable[] {
  const tables = ["dependencies", "dev-dependencies", "build-dependencies"].map((key) => manifest[key]);
  const { target } = manifest;
  for (const each of isTable(target) ? Object.values(target) : []) if (isTable(each)) tables.push(each["dependencies"]);
  return tables.filter(isTable);
}

function inheritDependencies(table: TomlTable, common: TomlTable, { mergesFeatures, what }: InheritOptions): void {
  for (const [name, details] of Object.entries(table)) {
    if (!inherits(details)) continue;
    const inherited = common[name];
    if (inherited === undefined) throw missing(what, `the dependency '${name}'`);
    delete details["workspace"];
    if (!isTable(inherited)) {
      details["version"] = inherited;
      continue;
    }
    const features = [...listOf(inherited["features"]), ...listOf(details["features"])];
    Object.assign(details, inherited);
    if (mergesFeatures && features.length > 0) details["features"] = features;
  }
}

function inheritPackage(own: TomlValue | undefined, common: TomlValue | undefined, what: string): void {
  if (!isTable(own)) return;
  for (const [key, value] of Object.entries(own)) {
    if (!inherits(value)) continue;
    const inherited = isTable(common) ? common[key] : undefined;
    if (inherited === undefined) throw missing(what, `'package.${key}'`);
    own[key] = inherited;
  }
}

function inherits(value: TomlValue): value is TomlTable {
  return isTable(value) && value["workspace"] !== undefined;
}

function listOf(value: TomlValue | undefined): TomlValue[] {
  return Array.isArray(value) ? value : [];
}

function missing(what: string, inherited: string): BstError {
  return new BstError("source", `${what} inherits ${inherited} from its workspace, which does not have that`);
}
