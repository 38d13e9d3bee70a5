/** Cache keys: the weak key of what an element is, and the strict key that holds all it is built from as well. */
import { CanonicalText, canonicalJson, type KeyValue, keyOfText } from "../base/json.ts";
import { rememberedBy } from "../base/remember.ts";
import { CORE_ARTIFACT_VERSION } from "../project/builtin.ts";
import type { Element } from "../project/element.ts";
import { sandboxFields } from "../project/sandbox-config.ts";
import type { ElementSource } from "../project/sources.ts";
import type { MappingNode } from "../yaml/node.ts";
import type { KeyMemory } from "./key-memory.ts";
import { dependencies, RepeatedlyVisited } from "./scopes.ts";

export interface Keys {
  /** Decides what a non-strict build can reuse: own configuration, and names of dependencies. */
  readonly weak: string;
  /** Own configuration and the strict keys of everything that is staged to build it. */
  readonly strict: string;
}

/** What sources contribute: also the key under which their staged tree is kept. */
export function sourcesKeyFields(sources: readonly ElementSource[]): KeyValue {
  return sources.map(({ source, definition, directory }) => ({
    key: source.uniqueKey(),
    name: definition.kind,
    ...(directory !== undefined && { directory }),
  }));
}

/** Everything of the element itself that its artifact depends on. */
export function keyFields(element: Element): Readonly<Record<string, KeyValue>> {
  const { definition, environmentNocache } = element;
  return {
    // A new version of the artifact format, or of what a kind makes, must not find older artifacts.
    "core-artifact-version": CORE_ARTIFACT_VERSION,
    "element-plugin-name": definition.kind,
    "element-plugin-version": element.artifactVersion,
    // Programs remember where they were built.
    "element-base-key": { "build-root": element.variable("build-root") ?? null },
    "element-plugin-key": element.behaviour.uniqueKey(),
    // Public data is part of the artifact: split rules and integration commands act where it is staged.
    public: publicText(element.publicData),
    sources: sourcesKeyFields(element.sources),
    // What fails in one project must not be found built by another.
    "fatal-warnings": [...element.project.fatalWarnings].sort(),
    ...(element.runsCommands && {
      sandbox: sandboxFields(element.sandbox),
      environment: environmentText(element.environment)(environmentNocache),
    }),
  };
}

const publicText = rememberedBy((data: MappingNode) => new CanonicalText(data.toPlain()));

const environmentText = rememberedBy((environment: Readonly<Record<string, string>>) =>
  rememberedBy((nocache: ReadonlySet<string>) => {
    const fields = Object.entries(environment).filter(([name]) => !nocache.has(name));
    return new CanonicalText(Object.fromEntries(fields));
  }),
);

/** An element as its dependents' keys tell of it, in canonical JSON. */
interface DependencyEntry {
  readonly withoutKey: string;
  readonly withStrictKey: string;
  withWeakKey(): string;
}

/** Computes keys, each once; an element without a key depends on a source that has no ref. */
export class KeyRing {
  private memory: KeyMemory | undefined;
  private readonly keys = new Map<Element, Keys | undefined>();
  /** Of the walk over the dependencies of one element. */
  private readonly visited = new RepeatedlyVisited();
  /** What elements are among the dependencies of others, as many have the same. */
  private readonly entries = new Map<Element, DependencyEntry>();

  /** @param memory keys of an earlier run */
  constructor(memory?: KeyMemory) {
    this.memory = memory;
  }

  /** Undefined where a source of the element, or of what it is built from, has no ref. */
  of(element: Element): Keys | undefined {
    if (!this.keys.has(element)) this.compute(element);
    return this.keys.get(element);
  }

  /** Forgets everything, and what an earlier run knew: refs have changed. */
  clear(): void {
    this.memory = undefined;
    this.keys.clear();
    this.entries.clear();
  }

  /** The key that an element gets when its dependencies are what they are: their strong keys instead of strict ones. */
  strong(element: Element, keyOf: (dependency: Element) => string | undefined): string | undefined {
    const weak = this.of(element)?.weak;
    if (weak === undefined) return undefined;
    const entries: string[] = [];
    for (const dependency of dependencies(element, "build")) {
      const key = keyOf(dependency);
      if (key === undefined) return undefined;
      entries.push(`${nameEntry(dependency)},"${key}"]`);
    }
    return keyAround(element)(entries, weak);
  }

  /** What it depends on comes first, by a list, so that long chains cost no stack. */
  private compute(element: Element): void {
    const pending = [element];
    for (let last = pending.at(-1); last !== undefined; last = pending.at(-1)) {
      const before = pending.length;
      for (const each of last.buildDependencies) if (!this.keys.has(each)) pending.push(each);
      for (const each of last.runtimeDependencies) if (!this.keys.has(each)) pending.push(each);
      if (pending.length > before) continue;
      if (!this.keys.has(last)) this.keys.set(last, this.computeOne(last));
      pending.pop();
    }
  }

  private computeOne(element: Element): Keys | undefined {
    const remembered = this.memory?.keysOf(element);
    if (remembered !== undefined) return remembered ?? undefined;
    if (!element.isResolved) return undefined;
    const isStrict = element.definition.strictRebuild ?? false;
    const weakEntries: string[] = [];
    const strictEntries: string[] = [];
    this.visited.clear();
    for (const dependency of dependencies(element, "build", this.visited)) {
      const entry = this.entries.get(dependency) ?? this.entry(dependency);
      if (entry === undefined) return undefined;
      weakEntries.push(isStrict || element.strictDependencies.has(dependency) ? entry.withWeakKey() : entry.withoutKey);
      strictEntries.push(entry.withStrictKey);
    }
    const keyOver = keyAround(element);
    const weak = keyOver(weakEntries);
    return { weak, strict: keyOver(strictEntries, weak) };
  }

  private entry(element: Element): DependencyEntry | undefined {
    const keys = this.keys.get(element);
    if (keys === undefined) return undefined;
    const name = nameEntry(element);
    const entry = {
      withoutKey: `${name}]`,
      // Joined and not added up: such a text is in one piece, and it will be copied very often.
      withStrictKey: [name, ',"', keys.strict, '"]'].join(""),
      withWeakKey: () => `${name},"${keys.weak}"]`,
    };
    this.entries.set(element, entry);
    return entry;
  }
}

/** The beginning of an element's entry: `["project","element"`. */
function nameEntry({ projectName, name }: Element): string {
  return canonicalJson([projectName, name]).slice(0, -1);
}

/** The hash of an element's canonical JSON, by its dependencies: written around them, since only they differ. */
function keyAround(element: Element): (entries: readonly string[], weak?: string) => string {
  const { "core-artifact-version": version, ...rest } = keyFields(element);
  const head = `{"core-artifact-version":${version},"dependencies":[`;
  const tail = `],${canonicalJson(rest).slice(1, -1)}`;
  return (entries, weak) => {
    const end = weak === undefined ? "}" : `,"weak-cache-key":"${weak}"}`;
    return keyOfText(`${head}${entries.join(",")}${tail}${end}`);
  };
}
