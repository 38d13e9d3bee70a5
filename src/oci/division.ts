/**
 * Divides the content of an image among layers by the elements that it comes from, so that clients fetch little when one of
 * them changes. What an element's layer is follows from names and rough sizes, so that it stays when others change.
 */
import { createHash } from "node:crypto";
import type { Division } from "./assemble.ts";

/** One of those that an image's files come from. */
export interface DividedElement {
  readonly name: string;
  /** Bytes of its files. */
  readonly size: number;
  readonly changes: "rarely" | "sometimes" | "often";
}

const ORDER = ["rarely", "sometimes", "often"] as const;
/** Of the shared layers; that this does not follow from sizes keeps elements where they are. */
const SHARES = { rarely: 1, sometimes: 2, often: 1 } as const;

/**
 * - The last layer has what comes from no element.
 * - Half of the others have one of the largest elements each. Sizes count by powers of two: a change of some percent makes
 *   no other element one of the largest.
 * - The rest share the small elements, each kind of change its own, by their names alone.
 * @param max how many layers there may be, at least 2
 * @param elementOf index of the element that a path comes from; undefined for none
 */
export function divide(
  elements: readonly DividedElement[],
  max: number,
  elementOf: (path: string) => number | undefined,
): Division {
  const own = Math.floor((max - 1) / 2);
  const order = (a: DividedElement, b: DividedElement) =>
    magnitude(b.size) - magnitude(a.size) || compare(hashOf(a.name), hashOf(b.name));
  const largest = new Set([...elements].sort(order).slice(0, own));
  const small = elements.filter((element) => !largest.has(element));
  const shared = max - 1 - own;
  const all = ORDER.filter((kind) => small.some(({ changes }) => changes === kind));
  /** Where there are too few layers, all count as one kind. */
  const kindOf = ({ changes }: DividedElement) => (all.length > shared ? "sometimes" : changes);
  const counts = shares(all.length > shared ? ["sometimes"] : all, shared);

  const parts: string[] = [];
  const members: string[][] = [];
  const partOf = new Map<DividedElement, number>();
  const add = (element: DividedElement, part: number) => {
    partOf.set(element, part);
    members[part] ??= [];
    members[part].push(element.name);
  };
  // What changes least is lowest, as some clients fetch anew all that is above a change.
  let next = 0;
  for (const kind of ORDER) {
    for (const element of [...largest].sort((a, b) => compare(a.name, b.name))) {
      if (kindOf(element) === kind) add(element, next++);
    }
    const count = counts.get(kind) ?? 0;
    for (const element of small) {
      if (kindOf(element) === kind) add(element, next + (Number.parseInt(hashOf(element.name), 16) % count));
    }
    next += count;
  }
  for (let part = 0; part < next; part++) parts.push(describe(members[part] ?? []));
  parts.push("What no element brings");
  return {
    parts,
    partOf(path) {
      const element = elements[elementOf(path) ?? -1];
      return (element && partOf.get(element)) ?? next;
    },
  };
}

function describe(names: readonly string[]): string {
  const [first, second, third, ...others] = [...names].sort(compare);
  const listed = [first, second, third].filter((name) => name !== undefined).join(", ");
  return others.length === 0 ? listed : `${listed} and ${others.length} more`;
}

/** How many of the shared layers each kind of change gets, of which there are no more than layers. */
function shares(kinds: readonly DividedElement["changes"][], count: number): Map<string, number> {
  const sum = kinds.reduce((total, kind) => total + SHARES[kind], 0);
  const found = new Map<string, number>();
  let left = count;
  for (const [i, kind] of kinds.entries()) {
    const others = kinds.length - 1 - i;
    const fair = Math.max(1, Math.floor((count * SHARES[kind]) / sum));
    const share = others === 0 ? left : Math.min(left - others, fair);
    found.set(kind, share);
    left -= share;
  }
  return found;
}

function magnitude(size: number): number {
  return Math.ceil(Math.log2(size + 1));
}

/** Twelve hexadecimal digits. */
function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 12);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
