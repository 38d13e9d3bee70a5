/** Reads which crates a Cargo.lock names. */
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import type { Tree } from "../cas/tree.ts";
import { isTable } from "./toml-emit.ts";
import { readToml } from "./toml-read.ts";

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Kind and URL, with a `+` between. */
  readonly source: string;
  /** SHA-256 of the archive. */
  readonly checksum: string | undefined;
}

/**
 * Those that are neither the project's own nor in folders.
 * @throws BstError domain source
 */
export async function lockedPackages(tree: Tree, path: string, provenance: string): Promise<LockedPackage[]> {
  const lock = await readToml(tree, path, provenance);
  if (lock === undefined) {
    throw new BstError("source", `${provenance}: The sources before it have no ${path}`, {
      detail: "Crates are tracked by a Cargo.lock that sources before this one in the list have to bring along.",
    });
  }
  const packages = lock["package"];
  return (Array.isArray(packages) ? packages : []).filter(isTable).flatMap(({ name, version, source, checksum }) => {
    if (source === undefined) return [];
    const sum = checksum === undefined ? undefined : String(checksum);
    return [{ name: String(name), version: String(version), source: String(source), checksum: sum }];
  });
}

/** Compares by several texts, the first that differ. */
export function byKeys<T>(keysOf: (item: T) => readonly string[]): (a: T, b: T) => number {
  return (a, b) => {
    const others = keysOf(b);
    for (const [i, key] of keysOf(a).entries()) {
      const order = compareCodePoints(key, others[i] ?? "");
      if (order !== 0) return order;
    }
    return 0;
  };
}
