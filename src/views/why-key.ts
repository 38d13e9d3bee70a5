/** Why an element's key is another than that of an artifact: which fields changed, of itself or of what it is built from. */
import { readEnvironment } from "../artifact/metadata.ts";
import type { ArtifactRecord } from "../artifact/record.ts";
import { formatRef, normalNameOf, parseRef } from "../artifact/refs.ts";
import { fieldsOf, recordedKeyFields } from "../build/key-record.ts";
import type { Session } from "../build/session.ts";
import { dependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";
import type { Node } from "../yaml/node.ts";
import { type Place, placeOf } from "./place.ts";

export interface Change {
  /** `environment.CFLAGS`, `sources[0].key`, … */
  readonly field: string;
  /** Undefined where it was, or is, not there. */
  readonly before: unknown;
  readonly after: unknown;
  readonly place: Place | undefined;
}

export interface Comparison {
  readonly element: Element;
  readonly now: string | undefined;
  readonly before: string;
  /** Of what it says itself. */
  readonly changes: readonly Change[];
  /** Whether only some of that is known of the artifact. */
  readonly isPartial: boolean;
  /** Full names of what it is built from that is new, and names of what is gone. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Dependencies of another key; what these say is in comparisons of their own. */
  readonly others: readonly Element[];
}

/**
 * Comparisons of the element and of all that it is built from that has another key, what is depended on last.
 * @param against a key of the element, or its first digits; by default that of the last artifact with another key than now
 * @returns undefined where there is no such artifact
 */
export function whyKey(session: Session, target: Element, against?: string): Comparison[] | undefined {
  const { artifacts } = session.caches;
  const { projectName: project, normalName } = target;
  const now = session.states.of(target).key;
  const names = artifacts.list(formatRef({ project, normalName, key: "*" })).flatMap((ref) => parseRef(ref) ?? []);
  const records = names.flatMap((name) => artifacts.peek(name) ?? []);
  const wanted = against?.slice(against.lastIndexOf("/") + 1);
  const found = records.findLast(({ strongKey, weakKey }) =>
    wanted === undefined ? strongKey !== now : strongKey.startsWith(wanted) || weakKey.startsWith(wanted),
  );
  if (found === undefined) return undefined;
  const compared = new Map<Element, Comparison>();
  const queue: { element: Element; record: ArtifactRecord }[] = [{ element: target, record: found }];
  // It grows while it is walked over.
  for (const { element, record } of queue) {
    if (compared.has(element)) continue;
    const comparison = compare(session, element, record);
    compared.set(element, comparison);
    for (const other of comparison.others) {
      const key = record.buildDeps.find((each) => isOf(each, other))?.cacheKey ?? "";
      const theirs = artifacts.peek({ project: other.projectName, normalName: normalNameOf(other.name), key });
      if (theirs !== undefined) queue.push({ element: other, record: theirs });
    }
  }
  return [...compared.values()];
}

function isOf(dependency: { projectName: string; elementName: string }, { projectName, name }: Element): boolean {
  return dependency.projectName === projectName && dependency.elementName === name;
}

function compare({ states, caches }: Session, element: Element, record: ArtifactRecord): Comparison {
  const { projectName: project, normalName } = element;
  const now = dependencies(element, "build");
  const known = recordedKeyFields(caches, { project, normalName, key: record.strongKey });
  const fields = fieldsOf(element);
  const old = known ?? { environment: withoutNocache(element, readEnvironment(caches.cas, record)) };
  const own = known === undefined ? { environment: withoutNocache(element, element.environment) } : fields;
  return {
    element,
    now: states.of(element).key,
    before: record.strongKey,
    changes: [...differences(old, own, [])].map(({ path: inKey, before, after }) => {
      const path = asDeclared(inKey);
      return { field: fieldName(path), before, after, place: placeOfField(element, path) };
    }),
    isPartial: known === undefined,
    added: now.flatMap((each) => (record.buildDeps.some((dep) => isOf(dep, each)) ? [] : [each.fullName])),
    removed: record.buildDeps.flatMap((dep) => (now.some((each) => isOf(dep, each)) ? [] : [dep.elementName])),
    others: now.filter((each) => {
      const before = record.buildDeps.find((dep) => isOf(dep, each));
      return before !== undefined && before.cacheKey !== states.of(each).key;
    }),
  };
}

function withoutNocache({ environmentNocache }: Element, environment: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !environmentNocache.has(name)));
}

type Path = readonly (string | number)[];

function* differences(
  before: unknown,
  after: unknown,
  path: Path,
): Generator<{ path: Path; before: unknown; after: unknown }> {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      yield* differences(before[i], after[i], [...path, i]);
    }
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* differences(before[key], after[key], [...path, key]);
    }
  } else yield { path, before, after };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lists of a script's commands are in its key once more under their own name. */
function asDeclared(path: Path): Path {
  const [first, name, again, ...rest] = path;
  return first === "element-plugin-key" && name === again ? [first, name ?? "", ...rest] : path;
}

function fieldName(path: Path): string {
  // What elements call 'config'.
  const [first, ...rest] = path;
  const words = [first === "element-plugin-key" ? "config" : first, ...rest];
  return words.map((word, i) => (typeof word === "number" ? `[${word}]` : `${i === 0 ? "" : "."}${word}`)).join("");
}

/** As near as the files say. */
function placeOfField(element: Element, [first, ...rest]: Path): Place | undefined {
  const start: Node | undefined =
    first === "element-plugin-key"
      ? element.config
      : first === "public"
        ? element.publicData
        : first === "environment" || first === "sandbox"
          ? element.node.mapping(first)
          : undefined;
  if (first === "sources") {
    const source = element.sources[Number(rest[0])];
    return placeOf(source?.node ?? element.node);
  }
  let node: Node = element.node;
  for (let next: Node | undefined = start, i = 0; next !== undefined; i++) {
    if (!next.isSynthetic) node = next;
    next = childOf(next, rest[i]);
  }
  return node.isSynthetic ? undefined : placeOf(node);
}

function childOf(node: Node, key: string | number | undefined): Node | undefined {
  if (key === undefined || node.type === "scalar") return undefined;
  if (node.type === "sequence") return typeof key === "number" ? node.items[key] : undefined;
  return node.get(String(key));
}
