/** What an element's file comes to: variables expanded, configuration and sources read by their kinds. */

import { rememberedBy } from "../base/remember.ts";
import { assertFullyComposed, compose } from "../yaml/compose.ts";
import { MappingNode } from "../yaml/node.ts";
import { BUILD } from "./dependencies.ts";
import type { Element } from "./element.ts";
import type { ConfiguredDependency, ElementBehaviour, ElementKind } from "./element-kind.ts";
import { elementVariables } from "./element-variables.ts";
import { type KindDefaults, kindDefaults } from "./kind-defaults.ts";
import { elementKind } from "./kinds.ts";
import type { LoadElement } from "./load-element.ts";
import { type SandboxConfig, sandboxConfig } from "./sandbox-config.ts";
import type { Kinds } from "./session.ts";
import { type ElementSource, loadSources } from "./sources.ts";
import { validate } from "./validate.ts";
import type { Variables } from "./variables.ts";

export class Resolution {
  readonly definition: ElementKind;
  readonly variables: Variables;
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentNocache: ReadonlySet<string>;
  readonly publicData: MappingNode;
  readonly config: MappingNode;
  readonly sandbox: SandboxConfig;
  readonly behaviour: ElementBehaviour;
  readonly sources: readonly ElementSource[];

  /** @param begun is given the resolution at once: kinds ask the element for what is resolved before them */
  constructor(
    element: Element,
    loaded: LoadElement,
    resolved: (loaded: LoadElement) => Element,
    begun: (self: Resolution) => void,
  ) {
    begun(this);
    const { node, project } = loaded;
    const defaults = kindDefaults(project, elementKind(project, loaded.kind, node), loaded.isFirstPass);
    this.definition = defaults.definition;

    this.variables = elementVariables(loaded.name, node.mapping("variables"), defaults.variables);
    if (!loaded.isFirstPass) this.variables.check();

    const section = (key: "environment" | "config" | "sandbox") => {
      const composed = composeSection(node, key, defaults[key]);
      return composed === defaults[key] ? this.variables.expandShared(composed) : this.variables.expand(composed);
    };
    this.environment = textsOf(section("environment"));
    const nocache = node.strings("environment-nocache");
    this.environmentNocache =
      nocache === undefined ? defaults.environmentNocache : new Set([...defaults.environmentNocache, ...nocache]);
    this.publicData = this.expandPublic(node, defaults);
    if (node.has("public")) checkPublic(this.publicData, project.session.kinds.publicData);
    this.config = section("config");
    validate(this.config, this.definition.schema);
    this.sandbox = sandboxConfig(section("sandbox"));
    this.behaviour = this.definition.configure(this.config, element);
    this.sources = loadSources(element, loaded);
    const configured = this.configuredDependencies(loaded, resolved);
    this.behaviour.configureDependencies?.(configured);
    this.preflight(element);
  }

  private expandPublic(node: MappingNode, defaults: KindDefaults): MappingNode {
    const own = node.mapping("public");
    if (own === undefined) return this.variables.expandShared(defaultPublicData(defaults));
    this.variables.expandShared(defaults.splitRules);
    return this.expand(withSplitRules(own, defaults));
  }

  private expand(node: MappingNode): MappingNode {
    return this.variables.expand(node) as MappingNode;
  }

  private configuredDependencies(
    loaded: LoadElement,
    resolved: (loaded: LoadElement) => Element,
  ): ConfiguredDependency[] {
    const configured: ConfiguredDependency[] = [];
    const schema = this.definition.dependencyConfig;
    for (const dependency of loaded.dependencies) {
      if (!(dependency.type & BUILD)) continue;
      const element = resolved(dependency.element);
      const configs = dependency.configs.map((config) => this.expand(config));
      for (const config of configs) {
        if (schema === undefined) {
          throw config.error(`Dependencies of elements of kind '${this.definition.kind}' take no 'config'`, {
            reason: "invalid-dependency-config",
          });
        }
        validate(config, schema);
        configured.push({ element, path: dependency.path, config });
      }
      if (configs.length === 0) configured.push({ element, path: dependency.path, config: undefined });
    }
    return configured;
  }

  private preflight(element: Element): void {
    const { buildDependencies: build, runtimeDependencies: runtime } = element;
    const forbids = this.definition.forbids ?? [];
    const forbidden = (what: string, reason: string) =>
      element.error(`Elements of kind '${element.kind}' cannot have ${what}`, { reason });
    const [noBuild, noRuntime] = [forbids.includes("build-depends"), forbids.includes("runtime-depends")];
    if (noBuild && noRuntime && build.length + runtime.length > 0) {
      throw forbidden("dependencies", "element-forbidden-depends");
    }
    if (noRuntime && runtime.length > 0) throw forbidden("runtime dependencies", "element-forbidden-rdepends");
    if (noBuild && build.length > 0) throw forbidden("build dependencies", "element-forbidden-bdepends");
    if (forbids.includes("sources") && element.hasSources) throw forbidden("sources", "element-forbidden-sources");
    this.behaviour.preflight?.({ build, runtime });
    const first = this.sources[0]?.definition;
    if (first?.needsPrevious?.track || first?.needsPrevious?.fetch) {
      throw element.error(`A source of kind '${first.kind}' cannot come first, since it needs the sources before it`);
    }
  }
}

function composeSection(node: MappingNode, key: string, base: MappingNode): MappingNode {
  const own = node.mapping(key);
  const composed = own === undefined ? base : compose(base, own);
  assertFullyComposed(composed);
  return composed;
}

function checkPublic(data: MappingNode, checks: Kinds["publicData"]): void {
  for (const [domain, check] of checks) {
    const declared = data.mapping(domain);
    if (declared !== undefined) check(declared);
  }
}

/** The public data of an element that declares none. */
const defaultPublicData = rememberedBy((defaults: KindDefaults) => withSplitRules(MappingNode.empty, defaults));

/** An element's public data: of what its kind and project declare, only the split rules reach it. */
function withSplitRules(own: MappingNode, { splitRules }: KindDefaults): MappingNode {
  const bst = own.mapping("bst") ?? MappingNode.empty;
  const ownRules = bst.mapping("split-rules");
  const rules = ownRules === undefined ? splitRules : compose(splitRules, ownRules);
  const result = own.with("bst", bst.with("split-rules", rules));
  assertFullyComposed(result);
  return result;
}

/** The environment that a node describes. */
const textsOf = rememberedBy(
  (node: MappingNode): Readonly<Record<string, string>> =>
    Object.fromEntries(node.keys().map((key) => [key, node.string(key) ?? ""])),
);
