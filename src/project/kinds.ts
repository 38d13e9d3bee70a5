/** Finds the kinds that elements and sources name: built in, or plugins that the project or the user has. */
import { BstError } from "../base/errors.ts";
import { rememberedBy } from "../base/remember.ts";
import type { Node } from "../yaml/node.ts";
import type { ElementKind } from "./element-kind.ts";
import { pluginLocation } from "./plugin-location.ts";
import { PluginNotLoaded, pluginFile } from "./plugin-modules.ts";
import type { Project } from "./project.ts";
import type { SourceKind } from "./source-kind.ts";

/** @throws BstError domain plugin, reason plugin-not-found; PluginNotLoaded; and what {@link pluginLocation} throws */
export function elementKind(project: Project, name: string, asker: Node): ElementKind {
  return find(project, "element", name) ?? unknown(project, "element", name, asker);
}

/** As {@link elementKind}. */
export function sourceKind(project: Project, name: string, asker: Node): SourceKind {
  return find(project, "source", name) ?? unknown(project, "source", name, asker);
}

interface Found {
  readonly element: Map<string, ElementKind | undefined>;
  readonly source: Map<string, SourceKind | undefined>;
  /** Absolute paths of the plugins for this program that are used. */
  readonly modules: Set<string>;
}

/** Whether the project uses plugins for this program, whose code may do anything. */
export function usesModules(project: Project): boolean {
  return known(project).modules.size > 0;
}

const known = rememberedBy(
  (_project: Project): Found => ({
    element: new Map(),
    source: new Map(),
    modules: new Set(),
  }),
);

type What = "element" | "source";

function find<W extends What>(project: Project, what: W, name: string): ReturnType<Found[W]["get"]>;
function find(project: Project, what: What, name: string): ElementKind | SourceKind | undefined {
  const kinds: Map<string, ElementKind | SourceKind | undefined> = known(project)[what];
  if (!kinds.has(name)) kinds.set(name, look(project, what, name));
  return kinds.get(name);
}

/** A plugin for this program goes before what is built in, and what is beside the Python one before the user's. */
function look(project: Project, what: What, name: string): ElementKind | SourceKind | undefined {
  const { elements, sources, modules, pluginPaths } = project.session.kinds;
  const builtIn = (what === "element" ? elements : sources).get(name);
  const type = what === "element" ? "elements" : "sources";
  const origin = project.plugins[type].get(name);
  const directories: string[] = [];
  // What is built in is not looked for behind junctions, which may need that very kind to be opened.
  if (origin?.origin === "local" || (origin !== undefined && builtIn === undefined)) {
    const location = pluginLocation(project, type, name);
    if (location !== undefined) directories.push(location.directory);
  }
  for (const directory of [...directories, ...pluginPaths]) {
    const path = pluginFile(directory, name);
    if (path === undefined) continue;
    const module = modules.get(path);
    if (module === undefined) throw new PluginNotLoaded(path, name);
    if (module[what] === undefined) continue;
    known(project).modules.add(path);
    return module[what];
  }
  return builtIn?.isPlugin && origin === undefined ? undefined : builtIn;
}

function unknown(project: Project, what: What, name: string, asker: Node): never {
  const origin = project.plugins[what === "element" ? "elements" : "sources"].get(name);
  const isBuiltIn = (what === "element" ? project.session.kinds.elements : project.session.kinds.sources).has(name);
  const advice = isBuiltIn
    ? "It is one of a package: say in 'plugins' of project.conf where it comes from."
    : `Plugins in Python are not executed. To add the kind: docs/plugins.md${
        origin === undefined ? "" : ` (the project takes it from '${origin.origin}' at ${origin.node.provenance})`
      }`;
  const users = project.loader.elementsWith(what, name);
  throw new BstError("plugin", `${asker.provenance}: There is no ${what} kind '${name}'`, {
    reason: "plugin-not-found",
    detail: users.length === 0 ? advice : `${advice}\nUsed by: ${users.join(", ")}`,
  });
}
