/** The cargo configuration that takes vendored crates in the place of registries and repositories. */
import { percentEncode } from "../base/percent.ts";
import { emitToml, type TomlTable } from "./toml-emit.ts";

export interface CargoConfig {
  /** URL of the registry that the crates come from. */
  readonly registry: string;
  /** Path of the folder with the crates, relative to the folder that `.cargo` is in. */
  readonly vendorDirectory: string;
  readonly repositories: readonly { readonly url: string; readonly query: Readonly<Record<string, string>> }[];
}

const VENDORED = "vendored-sources";

export function cargoConfig({ registry, vendorDirectory, repositories }: CargoConfig): string {
  const source: TomlTable = { "crates-io": { registry, "replace-with": VENDORED } };
  for (const { url, query } of repositories) {
    const asked = Object.keys(query).length > 0 ? `?${encodeQuery(query)}` : "";
    source[`git+${url}${asked}`] = { git: url, "replace-with": VENDORED, ...query };
  }
  source[VENDORED] = { directory: vendorDirectory };
  return emitToml({ source });
}

/** As forms are encoded by Python: all but letters, digits and `_.-~`, spaces as `+`. */
function encodeQuery(query: Readonly<Record<string, string>>): string {
  const encode = (value: string) => percentEncode(value).replaceAll("%20", "+");
  return Object.entries(query)
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .join("&");
}
