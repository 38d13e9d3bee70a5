/** Reads which crates a Cargo.lock names. */
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import type { Tree } from "../cas/tree.ts";
import type { Crate } from "./cargo-crates.ts";
import { isTable, type TomlTable } from "./toml-emit.ts";
import { readToml } from "./toml-read.ts";

/**
 * The crates that are neither the project's own nor in folders, sorted.
 * @param mirrored from the URL of a repository to that to use in its place
 * @throws BstError domain source
 */
export async function lockedCrates(
  tree: Tree,
  path: string,
  provenance: string,
  mirrored: (url: string) => string,
): Promise<Crate[]> {
  const lock = await readToml(tree, path, provenance);
  if (lock === undefined) {
    throw new BstError("source", `${provenance}: The sources before it have no ${path}`, {
      detail: "Crates are tracked by a Cargo.lock that sources before this one in the list have to bring along.",
    });
  }
  const packages = lock["package"];
  const crates = (Array.isArray(packages) ? packages : [])
    .filter(isTable)
    .filter((each) => each["source"] !== undefined)
    .map((each) => lockedCrate(each, provenance, mirrored));
  return crates.sort((a, b) => compareKeys(sortKey(a), sortKey(b)));
}

function lockedCrate(
  { name, version, source, checksum }: Partial<TomlTable>,
  provenance: string,
  mirrored: (url: string) => string,
): Crate {
  const [kind = "", ...rest] = String(source).split("+");
  const common = { name: String(name), version: String(version), provenance: undefined };
  if (kind === "registry") {
    return { kind, ...common, sha: checksum === undefined ? undefined : String(checksum) };
  }
  if (kind !== "git") {
    throw new BstError("source", `${provenance}: The crate ${name} has a source of the unknown kind '${kind}'`);
  }
  const [, repo = "", query = "", commit = ""] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest.join("+")) ?? [];
  // Values that are empty are no values.
  const asked = [...new URLSearchParams(query)].filter(([, value]) => value !== "");
  return { kind, ...common, repo: mirrored(repo), commit, query: Object.fromEntries(asked) };
}

function sortKey(crate: Crate): string[] {
  const { name, version } = crate;
  return crate.kind === "git" ? [name, version, crate.repo, crate.commit] : [name, version, "", ""];
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const order = compareCodePoints(part, b[i] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}
