/** What an element file says of its dependencies: `depends`, `build-depends`, `runtime-depends`, in all their forms. */
import { LoadError } from "../base/errors.ts";
import type { MappingNode, Node, ScalarNode } from "../yaml/node.ts";

export const BUILD = 1;
export const RUNTIME = 2;
export const ALL = 3;
/** Bits of {@link BUILD} and {@link RUNTIME}. */
export type DependencyType = 1 | 2 | 3;

/** A dependency as declared, before the element it names is loaded. */
export interface DeclaredDependency {
  readonly name: string;
  /** Junction path, such as `a.bst:b.bst`; undefined within the project. */
  readonly junction: string | undefined;
  type: DependencyType;
  strict: boolean;
  configs: readonly MappingNode[];
  /** The node that declares it, for messages. */
  readonly node: Node;
}

const LISTS: readonly [key: string, type: DependencyType | undefined][] = [
  ["build-depends", BUILD],
  ["runtime-depends", RUNTIME],
  ["depends", undefined],
];
const KEYS = new Set(["filename", "type", "junction", "strict", "config"]);
const TYPED_KEYS = new Set(["filename", "junction", "strict", "config"]);
const NONE: readonly MappingNode[] = [];
const TYPES = { build: BUILD, runtime: RUNTIME, all: ALL } as const;

/** All dependencies that an element declares, each once, in the order of their first mention. */
export function declaredDependencies(node: MappingNode): DeclaredDependency[] {
  const found = new Map<string, DeclaredDependency>();
  for (const [key, type] of LISTS) {
    for (const item of node.sequence(key)?.items ?? []) {
      for (const [junction, name] of namesIn(item)) {
        const dependency = declared(item, junction, name, type);
        const id = junction === undefined ? name : `${junction}\0${name}`;
        const known = found.get(id);
        if (known === undefined) found.set(id, dependency);
        else mergeDependency(known, dependency);
      }
    }
  }
  return [...found.values()];
}

/** Adds what a second declaration of the same dependency says. */
export function mergeDependency(into: Omit<DeclaredDependency, "name" | "junction" | "node">, from: typeof into): void {
  into.type = (into.type | from.type) as DependencyType;
  into.strict ||= from.strict;
  if (from.configs.length > 0) into.configs = [...into.configs, ...from.configs];
}

function namesIn(item: Node): (readonly [junction: string | undefined, name: string])[] {
  if (item.type === "scalar") return [splitName(item, undefined)];
  if (item.type !== "mapping") throw item.error("A dependency is either a name or a dictionary");
  const junction = item.string("junction");
  const filename = item.required("filename", item.get("filename"));
  if (filename.type === "scalar") return [splitName(filename, junction)];
  if (filename.type === "sequence") return filename.scalars().map((name) => splitName(name, junction));
  throw filename.error("Value of 'filename' must be a name or a list of names");
}

function splitName(node: ScalarNode, junction: string | undefined): readonly [string | undefined, string] {
  const name = node.value;
  const colon = name.lastIndexOf(":");
  if (colon < 0) return [junction, name];
  if (junction !== undefined) {
    throw node.error(`The name '${name}' cannot contain ':' where the junction is given separately`);
  }
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function declared(
  item: Node,
  junction: string | undefined,
  name: string,
  listType: DependencyType | undefined,
): DeclaredDependency {
  if (item.type !== "mapping")
    return { name, junction, type: listType ?? ALL, strict: false, configs: NONE, node: item };

  item.validateKeys(listType === undefined ? KEYS : TYPED_KEYS);
  const type = listType ?? declaredType(item);
  const strict = item.bool("strict") ?? false;
  const config = item.mapping("config");
  if (config !== undefined && type === RUNTIME) {
    throw config.error("A runtime dependency cannot have a 'config'");
  }
  if (!strict && item.has("strict")) {
    throw (item.scalar("strict") ?? item).error("'strict' can only be set to True");
  }
  if (strict && type === RUNTIME) {
    throw new LoadError("invalid-data", `${item.provenance}: The runtime dependency ${name} cannot be 'strict'`, {
      detail: "Only what is needed to build can be strict.",
    });
  }
  return { name, junction, type, strict, configs: config === undefined ? NONE : [config], node: item };
}

function declaredType(item: MappingNode): DependencyType {
  const node = item.scalar("type");
  if (node === undefined) return ALL;
  const type = Object.entries(TYPES).find(([name]) => name === node.value)?.[1];
  if (type === undefined) {
    throw node.error(`The dependency type '${node.value}' is none of 'build', 'runtime' and 'all'`);
  }
  return type;
}
