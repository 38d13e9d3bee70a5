/** What an artifact says of its element besides the files: YAML blobs of public data, environment, sandbox and variables. */
import type { KeyValue } from "../base/json.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { emitYaml } from "../yaml/emit.ts";
import { MappingNode, type Plain } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { ArtifactRecord } from "./record.ts";

type Texts = Readonly<Record<string, string>>;

export function publicMetadata(cas: Cas, data: MappingNode): Digest {
  return cas.write(emitYaml(data));
}

/** @param sandbox as in the cache key */
export function environmentMetadata(
  cas: Cas,
  environment: Texts,
  sandbox: { readonly [key: string]: KeyValue },
): Digest {
  return cas.write(emitYaml({ environment, "sandbox-config": toPlain(sandbox) }));
}

export function variablesMetadata(cas: Cas, variables: Texts): Digest {
  return cas.write(emitYaml({ variables }));
}

/** Public data as the build left it. Throws BstError in domain "cas" where the blob is missing. */
export function readPublicMetadata(cas: Cas, { publicData }: ArtifactRecord): MappingNode {
  return read(cas, publicData, "public data of an artifact");
}

/** The environment that the artifact's integration commands run in. */
export function readEnvironment(cas: Cas, { lowDiversityMeta }: ArtifactRecord): Texts {
  const environment =
    read(cas, lowDiversityMeta, "environment of an artifact").mapping("environment") ?? MappingNode.empty;
  return Object.fromEntries(environment.keys().map((name) => [name, environment.string(name) ?? ""]));
}

/** The `sandbox` configuration of the element as it was built. */
export function readSandbox(cas: Cas, { lowDiversityMeta }: ArtifactRecord): MappingNode {
  return read(cas, lowDiversityMeta, "sandbox of an artifact").mapping("sandbox-config") ?? MappingNode.empty;
}

/** By hash: most artifacts of a project have the same. */
const parsed = new Map<string, MappingNode>();

function read(cas: Cas, digest: Digest, name: string): MappingNode {
  let node = parsed.get(digest.hash);
  if (node === undefined) {
    const file = { path: cas.objectPath(digest), shortName: name, displayName: name };
    node = parseYaml(cas.read(digest).toString(), file);
    parsed.set(digest.hash, node);
  }
  return node;
}

/** Text as Python writes it. */
function toPlain(value: KeyValue): Plain {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(toPlain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]));
}
