/** Which elements are the base of others: what most of them need at run time. */
import type { DependencyFacts } from "../project/element-kind.ts";

/** A row of bits for each element makes little sense beyond that. */
const MOST = 20_000;

/**
 * Those that at least half of the others need, directly or not.
 * @param elements each after those that it needs; ways through what is not among them don't count
 */
export function basesOf(elements: readonly DependencyFacts[]): Set<DependencyFacts> {
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
