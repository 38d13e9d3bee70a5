/** The crates that the ref of a `cargo2` source lists. */
import type { KeyValue } from "../base/json.ts";
import { type JsonSchema, listOf, text, textMap } from "../base/schema.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";

export interface RegistryCrate {
  readonly kind: "registry";
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the archive; undefined while it is not known. */
  readonly sha: string | undefined;
  /** Facts about the crate that the user gives, by the project's attributes. */
  readonly provenance: MappingNode | undefined;
}

export interface GitCrate {
  readonly kind: "git";
  readonly name: string;
  readonly version: string;
  readonly repo: string;
  readonly commit: string;
  /** What of the repository Cargo.toml asks for: `branch`, `tag` or `rev`. */
  readonly query: Readonly<Record<string, string>>;
  readonly provenance: MappingNode | undefined;
}

export type Crate = RegistryCrate | GitCrate;

export const crateList: JsonSchema = listOf({
  type: "object",
  additionalProperties: true,
  required: ["name", "version"],
  properties: {
    kind: text,
    name: text,
    version: text,
    sha: text,
    repo: text,
    commit: text,
    query: textMap,
    provenance: textMap,
  },
});

/** What folders and URLs are called after: nothing that leads elsewhere. */
const SAFE = /^(?!\.{1,2}$)[^/\0]+$/;

export function readRegistryCrate(node: MappingNode): RegistryCrate {
  return { kind: "registry", ...readCommon(node), sha: node.string("sha") };
}

export function readCrate(node: MappingNode): Crate {
  // Whatever is not git is taken for a registry.
  if (node.string("kind") !== "git") return readRegistryCrate(node);
  const query = node.mapping("query");
  return {
    kind: "git",
    ...readCommon(node),
    repo: node.required("repo", node.string("repo")),
    commit: node.required("commit", node.string("commit")),
    query: Object.fromEntries((query?.keys() ?? []).map((key) => [key, query?.string(key) ?? ""])),
  };
}

function readCommon(node: MappingNode) {
  const part = (key: string) => {
    const scalar = node.required(key, node.scalar(key));
    if (!SAFE.test(scalar.value)) throw scalar.error(`Value of '${key}' can't be the ${key} of a crate`);
    return scalar.value;
  };
  return { name: part("name"), version: part("version"), provenance: node.mapping("provenance") };
}

/** What a crate adds to the key. */
export function crateKey(crate: Crate): KeyValue {
  const { kind, name, version } = crate;
  if (crate.kind === "registry") return { kind, name, version, sha: crate.sha ?? null };
  const { repo, commit, query } = crate;
  return { kind, name, version, repo, commit, ...(Object.keys(query).length > 0 && { query }) };
}

/** A crate as the ref has it, for comparison and for writing. */
export function crateRef(crate: Crate): Plain {
  const { kind, name, version, provenance } = crate;
  const facts = provenance === undefined ? {} : { provenance: provenance.toPlain() };
  if (crate.kind === "registry") {
    return { kind, name, version, ...(crate.sha !== undefined && { sha: crate.sha }), ...facts };
  }
  const { repo, commit, query } = crate;
  const asked = Object.keys(query).length > 0 ? { query: { ...query } } : {};
  return { kind, commit, repo, ...asked, name, version, ...facts };
}
