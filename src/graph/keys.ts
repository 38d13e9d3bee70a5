/** Cache keys: the weak key of what an element is, and the strict key that holds all it is built from as well. */
import { CanonicalText, canonicalJson, type KeyValue } from "../base/json.ts";
import { rememberedBy } from "../base/remember.ts";
import { CORE_ARTIFACT_VERSION } from "../project/builtin.ts";
import type { Element } from "../project/element.ts";
import { sandboxFields } from "../project/sandbox-config.ts";
import type { ElementSource } from "../project/sources.ts";
import type { MappingNode } from "../yaml/node.ts";
import { BuildScopes } from "./build-scopes.ts";
import type { KeyMemory } from "./key-memory.ts";
import { ascii, KeyText } from "./key-text.ts";

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
    "fatal-warnings": sorted(element.project.fatalWarnings),
    ...(element.runsCommands && {
      sandbox: sandboxFields(element.sandbox),
      environment: environmentText(element.environment)(environmentNocache),
    }),
  };
}

const sorted = rememberedBy((texts: readonly string[]) => [...texts].sort());

const publicText = rememberedBy((data: MappingNode) => new CanonicalText(data.toPlain()));

const environmentText = rememberedBy((environment: Readonly<Record<string, string>>) =>
  rememberedBy((nocache: ReadonlySet<string>) => {
    const fields = Object.entries(environment).filter(([name]) => !nocache.has(name));
    return new CanonicalText(Object.fromEntries(fields));
  }),
);

/** An element as its dependents' keys tell of it. */
interface DependencyEntry {
  readonly weak: string;
  /** `["project","element","strict key"],` */
  readonly bytes: Uint8Array;
  /** How many of the bytes come before the comma and the key. */
  readonly nameLength: number;
}

/** Computes keys, each once; an element without a key depends on a source that has no ref. */
export class KeyRing {
  private memory: KeyMemory | undefined;
  /** By serial; null for elements without keys. */
  private keys: (Keys | null | undefined)[] = [];
  /** By serial: elements that are among the dependencies of others, as many have the same. */
  private entries: (DependencyEntry | undefined)[] = [];
  private readonly scopes = new BuildScopes();
  private readonly weakText = new KeyText();
  private readonly strictText = new KeyText();

  /** @param memory keys of an earlier run */
  constructor(memory?: KeyMemory) {
    this.memory = memory;
  }

  /** Undefined where a source of the element, or of what it is built from, has no ref. */
  of(element: Element): Keys | undefined {
    if (this.keys[element.serial] === undefined) this.compute(element);
    return this.keys[element.serial] ?? undefined;
  }

  /** Forgets everything, and what an earlier run knew: refs have changed. */
  clear(): void {
    this.memory = undefined;
    this.keys = [];
    this.entries = [];
  }

  /** The key that an element gets when its dependencies are what they are: their strong keys instead of strict ones. */
  strong(element: Element, keyOf: (dependency: Element) => string | undefined): string | undefined {
    const weak = this.of(element)?.weak;
    if (weak === undefined) return undefined;
    const text = this.strictText.begin().addBytes(HEAD);
    for (const serial of this.scopes.of(element)) {
      const dependency = this.scopes.element(serial);
      const key = keyOf(dependency);
      if (key === undefined) return undefined;
      text.add(`${nameEntry(dependency)},"${key}"],`);
    }
    return text.dropComma().addBytes(CLOSED).addMembers(otherFields(element)).add(withWeak(weak)).hash();
  }

  /** What it depends on comes first, by a list, so that long chains cost no stack. */
  private compute(element: Element): void {
    const { keys } = this;
    const pending = [element];
    for (let last = pending.at(-1); last !== undefined; last = pending.at(-1)) {
      const before = pending.length;
      for (const each of last.buildDependencies) if (keys[each.serial] === undefined) pending.push(each);
      for (const each of last.runtimeDependencies) if (keys[each.serial] === undefined) pending.push(each);
      if (pending.length > before) continue;
      if (keys[last.serial] === undefined) keys[last.serial] = this.computeOne(last) ?? null;
      pending.pop();
    }
  }

  private computeOne(element: Element): Keys | undefined {
    const remembered = this.memory?.keysOf(element);
    if (remembered !== undefined) return remembered ?? undefined;
    if (!element.isResolved) return undefined;
    const { strictDependencies } = element;
    const isStrict = element.definition.strictRebuild ?? false;
    const hasStrict = isStrict || strictDependencies.size > 0;
    const weakText = this.weakText.begin().addBytes(HEAD);
    const strictText = this.strictText.begin().addBytes(HEAD);
    for (const serial of this.scopes.of(element)) {
      const entry = this.entries[serial] ?? this.entry(serial);
      if (entry === undefined) return undefined;
      strictText.addBytes(entry.bytes);
      weakText.addBytes(entry.bytes, entry.nameLength);
      if (hasStrict && (isStrict || strictDependencies.has(this.scopes.element(serial)))) {
        weakText.add(`,"${entry.weak}"`);
      }
      weakText.addBytes(CLOSED);
    }
    const end = weakText.dropComma().length;
    weakText.addBytes(CLOSED).addMembers(otherFields(element));
    strictText.dropComma().addFrom(weakText, end);
    const weak = weakText.add("}").hash();
    return { weak, strict: strictText.add(withWeak(weak)).hash() };
  }

  private entry(serial: number): DependencyEntry | undefined {
    const keys = this.keys[serial] ?? undefined;
    if (keys === undefined) return undefined;
    const name = nameEntry(this.scopes.element(serial));
    const entry = { weak: keys.weak, bytes: ascii(`${name},"${keys.strict}"],`), nameLength: name.length };
    this.entries[serial] = entry;
    return entry;
  }
}

/** What the texts of all keys begin with; the entries of dependencies follow. */
const HEAD = ascii(`{"core-artifact-version":${CORE_ARTIFACT_VERSION},"dependencies":[`);
/** Behind the entry of a dependency, and behind the list of them. */
const CLOSED = ascii("],");

/** The beginning of an element's entry: `["project","element"`. */
function nameEntry({ projectName, name }: Element): string {
  return canonicalJson([projectName, name]).slice(0, -1);
}

/** What follows the entries of dependencies. */
function otherFields(element: Element): Readonly<Record<string, KeyValue>> {
  const { "core-artifact-version": _, ...rest } = keyFields(element);
  return rest;
}

/** The end of a text that holds the weak key. */
function withWeak(weak: string): string {
  return `,"weak-cache-key":"${weak}"}`;
}
