/**
 * Divides the content of an image among layers by the elements that it comes from, so that clients fetch little when one of
 * them changes. It follows from names and rough sizes alone, and so that most stay where they are when one comes or goes.
 */
import { createHash } from "node:crypto";
import type { Division } from "./layer-entries.ts";

/** Part of the key of what is divided: a change to how that is done changes this. */
export const DIVISION_VERSION = 3;

/** One of those that an image's files come from. */
export interface DividedElement {
  readonly name: string;
  /** Bytes of its files. */
  readonly size: number;
  readonly changes: "rarely" | "sometimes" | "often";
  /** Whether most of the others need it: what changes it changes these, too, so it has no layer with others. */
  readonly isBase: boolean;
}

/** What changes least is lowest, as some clients fetch anew all that is above a change. */
const GROUPS = ["rarely", "base", "sometimes", "often"] as const;
type Group = (typeof GROUPS)[number];
/** What a byte counts when groups are given their layers: those that change often have small ones. */
const WEIGHTS: Readonly<Record<Group, number>> = { rarely: 0.5, base: 1, sometimes: 1, often: 2 };
/** An element goes on to its next choice if the layer holds this many times as much: few elements then ever change. */
const MORE = 1.25;
/** Only where it would be as large as all that is in the layer, an element looks further than two. */
const CHOICES = 6;

interface Weighed {
  readonly element: DividedElement;
  readonly size: number;
  readonly hash: number;
}

/**
 * Each name makes a first and a second choice of all layers. The largest elements are put first, each into the one of its
 * two that holds less: so all come to hold about as much, and what becomes of one element changes where few others are.
 * Sizes count by powers of the square root of two, so that small changes of them move nothing at all.
 * What comes from no element has the last layer.
 * @param max how many layers there may be, at least 2
 * @param elementOf index of the element that a path comes from; undefined for none
 */
export function divide(
  elements: readonly DividedElement[],
  max: number,
  elementOf: (path: string) => number | undefined,
): Division {
  const layers = grouped(elements.map(weigh), max - 1).flatMap(([group, count]) => spread(group, count));
  const partOf = new Map(layers.flatMap((layer, part) => layer.map((element) => [element, part] as const)));
  return {
    parts: [...layers.map((layer) => describe(layer.map(({ name }) => name))), "What no element brings"],
    partOf(path) {
      const element = elements[elementOf(path) ?? -1];
      return (element && partOf.get(element)) ?? layers.length;
    },
  };
}

function weigh(element: DividedElement): Weighed {
  const hash = createHash("sha256").update(element.name).digest().readUInt32BE(0);
  return { element, size: roughly(element.size), hash };
}

/** The next lower power of the square root of two. */
function roughly(size: number): number {
  let power = 1;
  while (power * 2 <= size) power *= 2;
  return power * Math.SQRT2 <= size ? power * Math.SQRT2 : power;
}

/** Elements that share no layers with those of other groups, and how many layers each group has. */
function grouped(all: readonly Weighed[], count: number): [Weighed[], number][] {
  const found = GROUPS.map((name) => {
    const group = all.filter(({ element }) => groupOf(element) === name);
    return { group, weighed: group.map(({ size }) => size * WEIGHTS[name]) };
  }).filter(({ group }) => group.length > 0);
  if (found.length > count || found.length < 2) return [[[...all], count]];
  const average = sumOf(found.flatMap(({ weighed }) => weighed)) / count;
  // What is larger has a layer of its own, and needs no more than that.
  const needed = found.map(({ weighed }) => roughly(sumOf(weighed.map((size) => Math.min(size, average)))));
  const counts = apportion(needed, count);
  return found.map(({ group }, i) => [group, counts[i] ?? 1]);
}

function groupOf({ changes, isBase }: DividedElement): Group {
  return changes === "sometimes" && isBase ? "base" : changes;
}

/** Whole numbers of this sum, each at least one, that are nearly in proportion to what is needed. */
function apportion(needed: readonly number[], count: number): number[] {
  let [sum, given] = [0, 0];
  return needed.map((one, i) => {
    sum += one;
    const others = needed.length - 1 - i;
    const upTo = Math.round((sum / sumOf(needed)) * count);
    const share = Math.min(count - given - others, Math.max(1, upTo - given));
    given += share;
    return share;
  });
}

/** Elements in so many layers, of which some may get none. */
function spread(group: readonly Weighed[], count: number): DividedElement[][] {
  const order = [...group].sort(
    (a, b) => b.size - a.size || a.hash - b.hash || compare(a.element.name, b.element.name),
  );
  const layers = Array.from({ length: count }, (_, place) => ({ place, load: 0, elements: [] as DividedElement[] }));
  for (const { element, size, hash } of order) {
    const liked = [...layers].sort((a, b) => likingOf(hash, b.place) - likingOf(hash, a.place)).slice(0, CHOICES);
    const layer = liked.reduce((chosen, next, i) => {
      const looksOn = i === 1 || size >= chosen.load;
      return looksOn && chosen.load > next.load * MORE ? next : chosen;
    });
    layer.load += size;
    layer.elements.push(element);
  }
  return layers.map(({ elements }) => elements).filter((elements) => elements.length > 0);
}

/** How much an element of this hash likes a layer: numbers below 2^32 without a pattern. */
function likingOf(hash: number, layer: number): number {
  let mixed = Math.imul(hash ^ Math.imul(layer + 1, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function describe(names: readonly string[]): string {
  const [first, second, third, ...others] = [...names].sort(compare);
  const listed = [first, second, third].filter((name) => name !== undefined).join(", ");
  return others.length === 0 ? listed : `${listed} and ${others.length} more`;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
