/** The `plugins` of project.conf: which kinds a project takes from where. They are checked here, and never executed. */
import { BstError } from "../base/errors.ts";
import type { MappingNode, Node } from "../yaml/node.ts";
import { projectPath } from "./paths.ts";

/** Where a kind comes from, and the node that says so. */
export type PluginOrigin = { readonly node: MappingNode } & (
  | { readonly origin: "local" /** Relative to the project's folder. */; readonly path: string }
  | { readonly origin: "pip" /** A name, with or without conditions on the version. */; readonly requirement: string }
  | { readonly origin: "junction"; readonly junction: string }
);

type Origin = PluginOrigin["origin"];

/** Kinds by what they are for. */
export interface PluginOrigins {
  readonly elements: ReadonlyMap<string, PluginOrigin>;
  readonly sources: ReadonlyMap<string, PluginOrigin>;
  readonly mirrors: ReadonlyMap<string, PluginOrigin>;
}

const COMMON_KEYS = ["origin", "sources", "elements", "source-mirrors", "allow-deprecated"];
const OWN_KEYS: Readonly<Record<Origin, readonly string[]>> = {
  local: ["path"],
  pip: ["package-name"],
  junction: ["junction"],
};

/**
 * @param root absolute path of the project, without symbolic links
 * @throws LoadError invalid-data and those of paths; BstError domain plugin, reason duplicate-plugin
 */
export function pluginOrigins(root: string, conf: MappingNode): PluginOrigins {
  const elements = new Map<string, PluginOrigin>();
  const sources = new Map<string, PluginOrigin>();
  const mirrors = new Map<string, PluginOrigin>();
  for (const node of conf.sequence("plugins")?.mappings() ?? []) {
    const origin = node.required("origin", node.enum<Origin>("origin", ["local", "pip", "junction"]));
    node.validateKeys(new Set([...COMMON_KEYS, ...OWN_KEYS[origin]]));
    const found = pluginOrigin(root, origin, node);
    for (const [key, kinds] of [
      ["elements", elements],
      ["sources", sources],
      ["source-mirrors", mirrors],
    ] as const) {
      // Within one origin a kind may stand twice.
      for (const kind of new Set(node.sequence(key)?.items.map(kindName))) {
        if (kinds.has(kind)) {
          throw new BstError("plugin", `${node.provenance}: The kind '${kind}' comes from more than one place`, {
            reason: "duplicate-plugin",
          });
        }
        kinds.set(kind, found);
      }
    }
  }
  return { elements, sources, mirrors };
}

function pluginOrigin(root: string, origin: Origin, node: MappingNode): PluginOrigin {
  switch (origin) {
    case "local":
      return { origin, node, path: projectPath(root, node.required("path", node.scalar("path")), "directory") };
    case "pip":
      return { origin, node, requirement: node.required("package-name", node.string("package-name")) };
    case "junction":
      return { origin, node, junction: node.required("junction", node.string("junction")) };
  }
}

function kindName(node: Node): string {
  if (node.type === "scalar") return node.value;
  if (node.type !== "mapping") throw node.error("A plugin is a kind or a dictionary");
  node.validateKeys(new Set(["kind", "allow-deprecated"]));
  return node.required("kind", node.string("kind"));
}
