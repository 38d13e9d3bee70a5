/** Which elements are the base of others: what most of them need at run time. */
import type { DependencyFacts } from "../project/element-kind.ts";
import { originIdOf, recordsOrigins } from "./origins.ts";

/** A row of bits for each element makes little sense beyond that. */
const MOST = 20_000;

/**
 * The ids of origins that at least half of what they are staged with needs, among these elements and what they need at run
 * time, and in the compositions among them. Read from the graph alone: what needs what at run time is in no key of a
 * composition, so whoever uses this has it in its own.
 */
export function basesBehind(roots: readonly DependencyFacts[]): Set<string> {
  const found = new Set<string>();
  const seen = new Set<DependencyFacts>();
  const levels = [roots];
  // It grows while it is walked over.
  for (const level of levels) {
    const staged = withRuntime(level);
    for (const base of basesOf(staged)) found.add(originIdOf(base));
    for (const each of staged) {
      if (!recordsOrigins(each) || seen.has(each)) continue;
      seen.add(each);
      levels.push(each.buildDependencies);
    }
  }
  return found;
}

/** Elements with what they need at run time, each after what it needs. */
function withRuntime(roots: readonly DependencyFacts[]): DependencyFacts[] {
  const visited = new Set<DependencyFacts>();
  const result: DependencyFacts[] = [];
  const stack = [{ element: undefined as DependencyFacts | undefined, needed: roots, next: 0 }];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const element = frame.needed[frame.next++];
    if (element === undefined) {
      if (frame.element !== undefined) result.push(frame.element);
      stack.pop();
    } else if (!visited.has(element)) {
      visited.add(element);
      stack.push({ element, needed: element.runtimeDependencies, next: 0 });
    }
  }
  return result;
}

/**
 * Those that at least half of the others need, directly or not.
 * @param elements each after those that it needs; ways through what is not among them don't count
 */
function basesOf(elements: readonly DependencyFacts[]): Set<DependencyFacts> {
  if (elements.length > MOST) return new Set();
  const places = new Map(elements.map((element, place) => [element, place]));
  /** Of each element a bit for each that needs it. */
  const needing = elements.map(() => new Uint32Array(Math.ceil(elements.length / 32)));
  for (let place = elements.length - 1; place >= 0; place--) {
    const [own, element] = [needing[place], elements[place]];
    for (const dependency of element?.runtimeDependencies ?? []) {
      const theirs = needing[places.get(dependency) ?? -1];
      if (own === undefined || theirs === undefined) continue;
      for (let i = 0; i < own.length; i++) theirs[i] = (theirs[i] ?? 0) | (own[i] ?? 0);
      if (element?.hasArtifact) theirs[place >> 5] = (theirs[place >> 5] ?? 0) | (1 << (place & 31));
    }
  }
  const others = elements.filter(({ hasArtifact }) => hasArtifact).length - 1;
  const isBase = (_: DependencyFacts, place: number) => others > 0 && 2 * countOf(needing[place] ?? []) >= others;
  return new Set(elements.filter(isBase));
}

function countOf(rows: Iterable<number>): number {
  let count = 0;
  for (let bits of rows) for (; bits !== 0; bits &= bits - 1) count++;
  return count;
}
