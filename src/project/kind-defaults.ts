/** What elements of one kind start from in one project: the project's values, the kind's defaults, and its overrides. */
import { basename } from "node:path";
import { compose } from "../yaml/compose.ts";
import { MappingNode, mappingFrom } from "../yaml/node.ts";
import type { ElementKind } from "./element-kind.ts";
import { pluginLocation } from "./plugin-location.ts";
import { pluginTraits } from "./plugin-traits.ts";
import type { Project } from "./project.ts";

export interface KindDefaults {
  /** The kind as the plugin that the project names declares it. */
  readonly definition: ElementKind;
  readonly variables: MappingNode;
  readonly environment: MappingNode;
  readonly environmentNocache: ReadonlySet<string>;
  readonly config: MappingNode;
  readonly splitRules: MappingNode;
  readonly sandbox: MappingNode;
}

const cache = new WeakMap<Project, Map<ElementKind, KindDefaults>>();

export function kindDefaults(project: Project, kind: ElementKind, isFirstPass: boolean): KindDefaults {
  let known = cache.get(project);
  if (known === undefined) {
    known = new Map();
    cache.set(project, known);
  }
  let defaults = known.get(kind);
  if (defaults === undefined) {
    defaults = isFirstPass ? firstPassDefaults(project, kind) : fullDefaults(project, kind);
    known.set(kind, defaults);
  }
  return defaults;
}

/** Junctions and links know neither environment nor sandbox of their project. */
function firstPassDefaults(project: Project, kind: ElementKind): KindDefaults {
  const { variables, elementOverrides } = project.firstPass;
  const own = ownDefaults(project, kind, elementOverrides, MappingNode.empty);
  return assemble(kind, own, variables, MappingNode.empty, [], MappingNode.empty);
}

function fullDefaults(project: Project, kind: ElementKind): KindDefaults {
  const { variables, elementOverrides, splitRules, environment, environmentNocache, sandbox } = project.resolved;
  const own = ownDefaults(project, kind, elementOverrides, splitRules);
  return assemble(asDeclared(project, kind), own, variables, environment, environmentNocache, sandbox);
}

/** The kind's defaults, with the project's split rules under its own, and the project's `elements:` on top. */
function ownDefaults(
  project: Project,
  kind: ElementKind,
  overrides: MappingNode,
  splitRules: MappingNode,
): MappingNode {
  const defaults = pluginDefaults(project, kind.kind) ?? mappingFrom(kind.defaults ?? {});
  const own = defaults.mapping("public")?.mapping("bst")?.mapping("split-rules") ?? MappingNode.empty;
  const base = new MappingNode(new Map([["split-rules", compose(splitRules, own)]]));
  const withSplits = defaults.with("public", new MappingNode(new Map([["bst", base]])));
  const override = overrides.mapping(kind.kind);
  return override === undefined ? withSplits : compose(withSplits, override);
}

/** The defaults of the plugin that the project names: they are part of the keys, and differ between its versions. */
function pluginDefaults(project: Project, kind: string): MappingNode | undefined {
  const location = pluginLocation(project, "elements", kind);
  if (location === undefined) return undefined;
  const { defaults } = location;
  return defaults === undefined ? MappingNode.empty : project.session.files.load(defaults, basename(defaults));
}

/** The kind with what its plugin says of itself, which is part of the keys as well. */
function asDeclared(project: Project, kind: ElementKind): ElementKind {
  const location = kind.isPlugin && pluginLocation(project, "elements", kind.kind);
  return location ? { ...kind, ...pluginTraits(location.directory, kind.kind) } : kind;
}

function assemble(
  definition: ElementKind,
  own: MappingNode,
  variables: MappingNode,
  environment: MappingNode,
  environmentNocache: readonly string[],
  sandbox: MappingNode,
): KindDefaults {
  const section = (key: string) => own.mapping(key) ?? MappingNode.empty;
  return {
    definition,
    variables: compose(variables, section("variables")),
    environment: compose(environment, section("environment")),
    environmentNocache: new Set([...environmentNocache, ...(own.strings("environment-nocache") ?? [])]),
    config: section("config"),
    splitRules: own.mapping("public")?.mapping("bst")?.mapping("split-rules") ?? MappingNode.empty,
    sandbox: compose(sandbox, section("sandbox")),
  };
}
