/** What a junction element says: where its subproject is, with which options, and what is overridden in it. */
import { BstError } from "../base/errors.ts";
import { MappingNode, type ScalarNode } from "../yaml/node.ts";

export interface JunctionConfig {
  /** Folder of the subproject below the junction's sources. */
  readonly path: string;
  readonly options: MappingNode;
  /** Elements and junctions of the subproject that others take the place of. */
  readonly overrides: ReadonlyMap<string, ScalarNode>;
  /** The alias of this project that an alias of the subproject is mapped to. */
  parentAlias(alias: string): string | undefined;
}

export function junctionConfig(config: MappingNode, elementName: string): JunctionConfig {
  const overrides = new Map<string, ScalarNode>();
  const overridesNode = config.mapping("overrides") ?? MappingNode.empty;
  for (const key of overridesNode.keys()) {
    const target = overridesNode.scalar(key);
    if (target === undefined) continue;
    if (target.value === elementName) {
      throw new BstError("element", `${target.provenance}: The junction overrides '${key}' with itself`, {
        reason: "override-junction-with-self",
      });
    }
    overrides.set(key, target);
  }
  const aliases = config.mapping("aliases") ?? MappingNode.empty;
  const mapsIdentity = config.enum("map-aliases", ["none", "identity"]) === "identity";
  return {
    path: config.string("path") ?? "",
    options: config.mapping("options") ?? MappingNode.empty,
    overrides,
    parentAlias: (alias) => aliases.string(alias) ?? (mapsIdentity ? alias : undefined),
  };
}
