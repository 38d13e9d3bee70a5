/** A resolved element: variables expanded, configuration read by its kind, dependencies and sources at hand. */
import { BstError, type BstErrorOptions, LoadError } from "../base/errors.ts";
import { rememberedBy } from "../base/remember.ts";
import { assertFullyComposed, compose } from "../yaml/compose.ts";
import { MappingNode, ScalarNode } from "../yaml/node.ts";
import { BUILD, RUNTIME } from "./dependencies.ts";
import type { ConfiguredDependency, DependencyFacts, ElementBehaviour, ElementKind } from "./element-kind.ts";
import { ELEMENT_NAME, type KindDefaults, kindDefaults } from "./kind-defaults.ts";
import { elementKind } from "./kinds.ts";
import type { LoadElement } from "./load-element.ts";
import type { Project } from "./project.ts";
import { type SandboxConfig, sandboxConfig } from "./sandbox-config.ts";
import type { OpenWorkspace } from "./session.ts";
import { describeSource, type SourceDescription } from "./source-info.ts";
import { type ElementSource, loadSources } from "./sources.ts";
import { validate } from "./validate.ts";
import { Variables } from "./variables.ts";

/** Variables that the program sets and no project can. */
const PROTECTED_VARIABLES = ["project-name", "element-name", "max-jobs"];

export class Element implements DependencyFacts {
  readonly project: Project;
  readonly name: string;
  readonly fullName: string;
  readonly normalName: string;
  readonly description: string;
  readonly node: MappingNode;
  readonly definition: ElementKind;
  readonly variables: Variables;
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the environment that stay out of the key. */
  readonly environmentNocache: ReadonlySet<string>;
  readonly publicData: MappingNode;
  readonly config: MappingNode;
  readonly sandbox: SandboxConfig;
  readonly behaviour: ElementBehaviour;
  readonly sources: readonly ElementSource[];
  readonly workspace: OpenWorkspace | undefined;
  /** Direct dependencies, in staging order. */
  readonly buildDependencies: readonly Element[];
  readonly runtimeDependencies: readonly Element[];
  /** Build dependencies whose change always rebuilds this element. */
  readonly strictDependencies: ReadonlySet<Element>;

  /** @param resolved the elements that this one depends on, resolved before it */
  constructor(loaded: LoadElement, resolved: (loaded: LoadElement) => Element) {
    const { node, project } = loaded;
    this.project = project;
    this.name = loaded.name;
    this.fullName = loaded.fullName;
    this.normalName = loaded.name.replaceAll("/", "-").replace(/(?<=[^.].*)\.[^.]*$/, "");
    this.node = node;
    this.description = node.string("description") ?? "";
    const defaults = kindDefaults(project, elementKind(project, loaded.kind, node), loaded.isFirstPass);
    this.definition = defaults.definition;

    const variables = composeSection(node, "variables", defaults.variables);
    assertProtectedVariables(variables);
    this.variables =
      variables === defaults.variables
        ? defaults.variablesOf(this.name)
        : new Variables(variables.with(ELEMENT_NAME, new ScalarNode(this.name)));
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
    this.config = section("config");
    validate(this.config, this.definition.schema);
    this.sandbox = sandboxConfig(section("sandbox"));
    this.workspace = project.session.workspace(this.fullName);
    this.hasSources = this.workspace !== undefined || (node.sequence("sources")?.items.length ?? 0) > 0;
    this.behaviour = this.definition.configure(this.config, this);
    this.sources = loadSources(this, loaded);

    const { build, runtime, strict, configured } = this.linkDependencies(loaded, resolved);
    this.buildDependencies = build;
    this.runtimeDependencies = runtime;
    this.strictDependencies = strict;
    this.behaviour.configureDependencies?.(configured);
    this.preflight();
  }

  readonly hasSources: boolean;

  get kind(): string {
    return this.definition.kind;
  }

  get projectName(): string {
    return this.project.name;
  }

  get hasArtifact(): boolean {
    return this.definition.hasArtifact ?? true;
  }

  get artifactVersion(): number {
    return this.definition.artifactVersion ?? 0;
  }

  get runsCommands(): boolean {
    return this.definition.runsCommands ?? this.behaviour.runsCommands ?? true;
  }

  readonly error = (message: string, options: BstErrorOptions = {}): BstError =>
    new BstError("element", `${this.node.provenance}: ${message}`, options);

  variable(name: string): string | undefined {
    return this.variables.get(name);
  }

  sourceInfo(): SourceDescription[] {
    return this.sources.flatMap(describeSource);
  }

  /** Whether all sources have a version, without which there is no key. */
  get isResolved(): boolean {
    return this.sources.every(({ source }) => source.isResolved);
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

  private linkDependencies(loaded: LoadElement, resolved: (loaded: LoadElement) => Element) {
    const build: Element[] = [];
    const runtime: Element[] = [];
    const strict = new Set<Element>();
    const configured: ConfiguredDependency[] = [];
    const schema = this.definition.dependencyConfig;
    for (const dependency of loaded.dependencies) {
      const element = resolved(dependency.element);
      if (dependency.type & BUILD) {
        build.push(element);
        const configs = dependency.configs.map((config) => this.expand(config));
        for (const config of configs) {
          if (schema === undefined) {
            throw config.error(`Dependencies of elements of kind '${this.kind}' take no 'config'`, {
              reason: "invalid-dependency-config",
            });
          }
          validate(config, schema);
          configured.push({ element, path: dependency.path, config });
        }
        if (configs.length === 0) configured.push({ element, path: dependency.path, config: undefined });
      }
      if (dependency.type & RUNTIME) runtime.push(element);
      if (dependency.strict) strict.add(element);
    }
    return { build, runtime, strict, configured };
  }

  private preflight(): void {
    const forbids = this.definition.forbids ?? [];
    const forbidden = (what: string, reason: string) =>
      this.error(`Elements of kind '${this.kind}' cannot have ${what}`, { reason });
    const hasBuild = this.buildDependencies.length > 0;
    const hasRuntime = this.runtimeDependencies.length > 0;
    const [noBuild, noRuntime] = [forbids.includes("build-depends"), forbids.includes("runtime-depends")];
    if (noBuild && noRuntime && (hasBuild || hasRuntime)) throw forbidden("dependencies", "element-forbidden-depends");
    if (noRuntime && hasRuntime) throw forbidden("runtime dependencies", "element-forbidden-rdepends");
    if (noBuild && hasBuild) throw forbidden("build dependencies", "element-forbidden-bdepends");
    if (forbids.includes("sources") && this.hasSources) throw forbidden("sources", "element-forbidden-sources");
    this.behaviour.preflight?.({ build: this.buildDependencies, runtime: this.runtimeDependencies });
    const first = this.sources[0]?.definition;
    if (first?.needsPrevious?.track || first?.needsPrevious?.fetch) {
      throw this.error(`A source of kind '${first.kind}' cannot come first, since it needs the sources before it`);
    }
  }
}

function composeSection(node: MappingNode, key: string, base: MappingNode): MappingNode {
  const own = node.mapping(key);
  const composed = own === undefined ? base : compose(base, own);
  assertFullyComposed(composed);
  return composed;
}

function assertProtectedVariables(variables: MappingNode): void {
  for (const name of PROTECTED_VARIABLES) {
    const node = variables.get(name);
    if (node !== undefined && !node.isSynthetic) {
      throw new LoadError(
        "protected-variable-redefined",
        `${node.provenance}: The variable '${name}' is set by the program and cannot be redefined`,
      );
    }
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
