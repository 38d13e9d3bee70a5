/** Which elements have an artifact in the cache, and the key that each goes by in this session. */
import type { ArtifactRecord } from "../artifact/record.ts";
import type { SourceStore } from "../artifact/sources.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import { keyOf } from "../base/json.ts";
import type { DisplayKey } from "../base/messages.ts";
import type { Digest } from "../cas/digest.ts";
import { type KeyRing, sourcesKeyFields } from "../graph/keys.ts";
import { dependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";

export interface ElementState {
  /** The key of the artifact that is there, or of the one that a build would make; undefined without refs. */
  readonly key: string | undefined;
  /** The artifact of a build, successful or not. */
  readonly artifact: ArtifactRecord | undefined;
}

export interface StateOptions {
  /** Whether only artifacts count that are built from exactly what is declared now. */
  readonly strict: boolean;
  /** Whether failed builds count as not built. */
  readonly retryFailed?: boolean;
  /** Digits of a key to show. */
  readonly keyLength: number;
  /** Told of failed builds that do not count. */
  readonly onDiscard?: (element: Element, artifact: ArtifactRecord, reason: string) => void;
}

const UNKNOWN_KEY = "?".repeat(64);

/** Looks each element up once; what is built meanwhile is told to it. */
export class ElementStates {
  private readonly keys: KeyRing;
  private readonly artifacts: ArtifactStore;
  private readonly sourceStore: SourceStore;
  private readonly options: StateOptions;
  private readonly states = new Map<Element, ElementState>();
  /** What counts of each element in the cache, by key: states are computed anew where keys change. */
  private readonly lookups = new Map<Element, Map<string, ArtifactRecord | undefined>>();
  /** Elements whose state is final: it holds for whatever is built from them. */
  private readonly settled = new Set<Element>();
  private readonly discarded = new Set<Element>();

  constructor(keys: KeyRing, artifacts: ArtifactStore, sourceStore: SourceStore, options: StateOptions) {
    this.keys = keys;
    this.artifacts = artifacts;
    this.sourceStore = sourceStore;
    this.options = options;
  }

  of(element: Element): ElementState {
    let state = this.states.get(element);
    if (state === undefined) {
      // Keys of a non-strict session need those of dependencies first; by a list, so that chains cost no stack.
      for (const each of this.options.strict ? [element] : dependencies(element, "all")) {
        if (!this.states.has(each))
          this.states.set(each, this.options.strict ? this.strict(each) : this.nonStrict(each));
      }
      state = this.states.get(element) ?? { key: undefined, artifact: undefined };
    }
    return state;
  }

  /** Records what a build made. */
  set(element: Element, artifact: ArtifactRecord): void {
    this.states.set(element, { key: artifact.strongKey, artifact });
    this.settled.add(element);
  }

  /**
   * Records what was pulled. Where that was built from other versions, keys of what is built from it change.
   * @returns whether it counts
   */
  take(element: Element, artifact: ArtifactRecord): boolean {
    const { key } = this.of(element);
    const exact = isExact(element) ? key : this.keys.of(element)?.strict;
    if (this.counted(element, artifact, exact) === undefined) return false;
    this.set(element, artifact);
    if (key !== artifact.strongKey) {
      for (const each of this.states.keys()) if (!this.settled.has(each)) this.states.delete(each);
    }
    return true;
  }

  /** Takes an element whose build failed for one that was not built, so that it can be tried again. */
  forgetFailure(element: Element): void {
    const { key } = this.of(element);
    if (!this.hasFailed(element)) return;
    this.states.set(element, { key, artifact: undefined });
    this.settled.add(element);
  }

  /** Forgets everything: refs or the cache have changed. */
  clear(): void {
    this.states.clear();
    this.lookups.clear();
    this.settled.clear();
    this.discarded.clear();
  }

  /** Lets everything that an element depends on be as it is now, since the element's artifact was chosen for that. */
  settleBelow(element: Element): void {
    for (const each of dependencies(element, "all")) {
      if (each === element) continue;
      this.of(each);
      this.settled.add(each);
    }
  }

  /** The keys under which an element's artifact counts, in the order of preference; none without refs. */
  keysOf(element: Element): string[] {
    const keys = this.keys.of(element);
    if (keys === undefined) return [];
    if (this.options.strict) return [keys.strict];
    if (!isExact(element) && !this.settled.has(element)) return [keys.strict, keys.weak];
    const { key } = this.of(element);
    return key === undefined ? [] : [key];
  }

  /** Whether a failed build was found that does not count. */
  isDiscarded(element: Element): boolean {
    return this.discarded.has(element);
  }

  isCached(element: Element): boolean {
    return this.of(element).artifact?.buildSuccess === true;
  }

  hasFailed(element: Element): boolean {
    return this.of(element).artifact?.buildSuccess === false;
  }

  displayKey(element: Element): DisplayKey {
    const exact = this.keys.of(element)?.strict;
    // Strict keys are known without a look at the cache.
    const key = this.options.strict && !this.states.has(element) ? exact : this.of(element).key;
    const full = key ?? UNKNOWN_KEY;
    return { full, brief: full.slice(0, this.options.keyLength), strict: key === exact };
  }

  /** The key of an element's sources as they are staged together. */
  sourcesKey(element: Element): string {
    return keyOf(sourcesKeyFields(element.sources));
  }

  /** The staged sources of an element, if they are in the cache. */
  stagedSources(element: Element): Digest | undefined {
    return element.isResolved ? this.sourceStore.find(this.sourcesKey(element)) : undefined;
  }

  private strict(element: Element): ElementState {
    const key = this.keys.of(element)?.strict;
    return { key, artifact: key === undefined ? undefined : this.counted(element, this.stored(element, key), key) };
  }

  /**
   * Reuses by weak key what was built from other versions of its dependencies, except where the artifact is made of
   * the files of others: such an element is rebuilt whenever one of them is another than it was built from.
   */
  private nonStrict(element: Element): ElementState {
    const keys = this.keys.of(element);
    if (keys === undefined) return { key: undefined, artifact: undefined };
    const exact = this.find(element, keys.strict, keys.strict);
    if (!isExact(element)) {
      const artifact = exact ?? this.find(element, keys.weak, keys.strict);
      if (artifact !== undefined) return { key: artifact.strongKey, artifact };
    }
    const key = this.keys.strong(element, (dependency) => this.states.get(dependency)?.key);
    if (key === undefined) return { key, artifact: undefined };
    return { key, artifact: key === keys.strict ? exact : this.find(element, key, key) };
  }

  /**
   * The artifact of a key, if it counts.
   * @param exact the key that the artifact of a failed build must have to count
   */
  private find(element: Element, key: string, exact: string): ArtifactRecord | undefined {
    const known = this.lookups.get(element) ?? new Map<string, ArtifactRecord | undefined>();
    this.lookups.set(element, known);
    if (!known.has(key)) known.set(key, this.counted(element, this.stored(element, key), exact));
    return known.get(key);
  }

  private stored({ projectName: project, normalName }: Element, key: string): ArtifactRecord | undefined {
    return this.artifacts.find({ project, normalName, key });
  }

  /** An artifact unless it is of a failed build that shall be tried again. */
  private counted(element: Element, artifact: ArtifactRecord | undefined, key: string | undefined) {
    if (artifact === undefined || artifact.buildSuccess) return artifact;
    const { retryFailed, onDiscard } = this.options;
    if (onDiscard === undefined) return artifact;
    if (retryFailed) {
      this.discarded.add(element);
      onDiscard(element, artifact, "because failed builds are to be tried again");
      return undefined;
    }
    if (artifact.strongKey !== key) {
      this.discarded.add(element);
      onDiscard(element, artifact, "because what it was built from may have changed");
      return undefined;
    }
    return artifact;
  }
}

/** Whether an element's artifact is made of the files of others, so that it is of use for these alone. */
export function isExact({ definition }: Element): boolean {
  return definition.strictRebuild === true || definition.collects === true;
}
