/** An element of the graph: what its file says at once, and on demand what that comes to. */
import { BstError, type BstErrorOptions } from "../base/errors.ts";
import type { MappingNode } from "../yaml/node.ts";
import type { Checkout } from "./checkout.ts";
import { BUILD, RUNTIME } from "./dependencies.ts";
import type { DependencyFacts, ElementBehaviour, ElementKind } from "./element-kind.ts";
import type { LoadElement } from "./load-element.ts";
import { pluginText } from "./plugin-text.ts";
import type { Project } from "./project.ts";
import { Resolution } from "./resolution.ts";
import type { SandboxConfig } from "./sandbox-config.ts";
import type { OpenWorkspace } from "./session.ts";
import { describeSource, type SourceDescription } from "./source-info.ts";
import type { ElementSource } from "./sources.ts";
import { Traces } from "./traces.ts";
import type { Variables } from "./variables.ts";

const NONE: ReadonlySet<Element> = new Set();

export class Element implements DependencyFacts {
  /** Counted from 0 in each graph, in the order in which elements are made. */
  readonly serial: number;
  readonly project: Project;
  readonly name: string;
  readonly fullName: string;
  readonly normalName: string;
  readonly kind: string;
  readonly description: string;
  readonly workspace: OpenWorkspace | undefined;
  readonly hasSources: boolean;
  /** Direct dependencies, in staging order. */
  readonly buildDependencies: readonly Element[];
  readonly runtimeDependencies: readonly Element[];
  /** Build dependencies whose change always rebuilds this element. */
  readonly strictDependencies: ReadonlySet<Element>;
  /** What resolving it looks at besides its files, and what it warned of. */
  readonly traces = new Traces();
  /** As it was loaded. */
  readonly loaded: LoadElement;
  private readonly elementOf: (loaded: LoadElement) => Element;
  private resolution: Resolution | undefined;

  /** @param elementOf the elements that this one depends on */
  constructor(loaded: LoadElement, serial: number, elementOf: (loaded: LoadElement) => Element) {
    const { name, fullName, kind, node, project, dependencies } = loaded;
    this.loaded = loaded;
    this.serial = serial;
    this.elementOf = elementOf;
    this.project = project;
    this.name = name;
    this.fullName = fullName;
    this.kind = kind;
    this.description = node.string("description") ?? "";
    this.normalName = name.replaceAll("/", "-").replace(/(?<=[^.].*)\.[^.]*$/, "");
    this.workspace = project.session.workspace(fullName);
    this.hasSources = this.workspace !== undefined || (node.sequence("sources")?.items.length ?? 0) > 0;
    const build: Element[] = [];
    const runtime: Element[] = [];
    let strict: Set<Element> | undefined;
    for (const dependency of dependencies) {
      const each = elementOf(dependency.element);
      if (dependency.type & BUILD) build.push(each);
      if (dependency.type & RUNTIME) runtime.push(each);
      if (dependency.strict) strict = (strict ?? new Set()).add(each);
    }
    this.buildDependencies = build;
    this.runtimeDependencies = runtime;
    this.strictDependencies = strict ?? NONE;
  }

  /**
   * Expands variables and lets kinds read the configuration, unless that is done. What is asked for below does it, too.
   * @throws LoadError, BstError in domains element, source and plugin
   */
  resolve(): Resolution {
    if (this.resolution === undefined) {
      try {
        new Resolution(this, this.loaded, this.elementOf, (begun) => {
          this.resolution = begun;
        });
      } catch (error) {
        this.resolution = undefined;
        throw error;
      }
    }
    if (this.resolution === undefined) throw new Error(`${this.fullName} did not begin to resolve`);
    return this.resolution;
  }

  /** Whether {@link resolve} was called, for itself or by what asked for something. */
  get isResolvedYet(): boolean {
    return this.resolution !== undefined;
  }

  get node(): MappingNode {
    return this.loaded.node;
  }

  get definition(): ElementKind {
    return this.resolve().definition;
  }

  get variables(): Variables {
    return this.resolve().variables;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.resolve().environment;
  }

  /** Names of the environment that stay out of the key. */
  get environmentNocache(): ReadonlySet<string> {
    return this.resolve().environmentNocache;
  }

  get publicData(): MappingNode {
    return this.resolve().publicData;
  }

  get config(): MappingNode {
    return this.resolve().config;
  }

  get sandbox(): SandboxConfig {
    return this.resolve().sandbox;
  }

  get behaviour(): ElementBehaviour {
    return this.resolve().behaviour;
  }

  get sources(): readonly ElementSource[] {
    return this.resolve().sources;
  }

  get projectName(): string {
    return this.project.name;
  }

  get hasArtifact(): boolean {
    return this.definition.hasArtifact ?? true;
  }

  get pluginText(): string | undefined {
    return pluginText(this.project, "elements", this.kind);
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

  checkout(): Checkout | undefined {
    this.traces.isOpen = true;
    return this.project.checkout;
  }

  sourceInfo(): SourceDescription[] {
    return this.sources.flatMap((source) => describeSource(this.project, source, source.source.info()));
  }

  toldSourceInfo(): SourceDescription[] {
    return this.sources.flatMap((source) => describeSource(this.project, source, source.told()));
  }

  /** Whether all sources have a version, without which there is no key. */
  get isResolved(): boolean {
    return this.sources.every(({ source }) => source.isResolved);
  }
}
