/** The order of dependencies: what the reference's sort makes of the same lists. */
import { describe, expect, it } from "vitest";
import type { LoadElement } from "../../src/project/load-element.ts";
import { orderDependencies } from "../../src/project/order.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";
import { Random } from "../oracle/random.ts";

/** BUILD, RUNTIME or both, as a bit mask. */
type Type = 1 | 2 | 3;

interface Question {
  readonly names: readonly string[];
  /** Junction of each element's project, if it has one. */
  readonly junctions: readonly (string | null)[];
  /** For each element the earlier ones that it depends on. */
  readonly edges: readonly (readonly (readonly [to: number, type: Type])[])[];
}

/** Python's own sort, under the rule of the format: what is needed comes first, then by type, name and junction. */
const reference = `
from functools import cmp_to_key
def answer(question):
    names, junctions, edges = question["names"], question["junctions"], question["edges"]
    reach = []
    for list in edges:
        reached = set()
        for to, _ in list:
            reached |= reach[to] | {to}
        reach.append(reached)
    def compare(a, b):
        (x, type_x), (y, type_y) = a, b
        if y in reach[x]: return 1
        if x in reach[y]: return -1
        if type_x != type_y:
            if type_x == 2: return 1
            if type_y == 2: return -1
        if names[x] != names[y]: return 1 if names[x] > names[y] else -1
        jx, jy = junctions[x], junctions[y]
        if jx is not None and jy is not None: return (jx > jy) - (jx < jy)
        return -1 if jx is not None else 1 if jy is not None else 0
    return [[to for to, _ in sorted(list, key=cmp_to_key(compare))] for list in edges]
`;

/** Loaded elements, as far as sorting looks at them. */
function ordered({ names, junctions, edges }: Question): number[][] {
  const elements: { readonly name: string; readonly dependencies: { element: unknown; type: Type }[] }[] = [];
  edges.forEach((list, index) => {
    const junction = junctions[index];
    const name = names[index] ?? "";
    elements.push({
      name,
      ...{ fullName: name, project: { junction: junction === null ? undefined : { name: junction } } },
      dependencies: list.map(([to, type]) => ({ element: elements[to], type })),
    });
  });
  orderDependencies(elements as unknown as LoadElement[]);
  const places = new Map<unknown, number>(elements.map((element, index) => [element, index]));
  return elements.map(({ dependencies }) => dependencies.map(({ element }) => places.get(element) ?? -1));
}

function question(seed: number): Question {
  const random = new Random(seed);
  const size = random.pick([5, 20, 60, 150]);
  const density = random.fraction(1);
  const indices = Array.from({ length: size }, (_, index) => index);
  return {
    names: indices.map(() => `${random.pick(["a", "Z", "é", "🎉", "ﬀ"])}${Math.floor(random.fraction(size / 2))}.bst`),
    junctions: indices.map(() => random.pick([null, null, "one.bst", "two.bst"])),
    edges: indices.map((index) =>
      random
        .some(indices.slice(0, index), random.chance(density) ? Math.min(index, 4) : 0)
        .concat(index > size - 3 ? random.some(indices.slice(0, index), index) : [])
        .filter((to, place, all) => all.indexOf(to) === place)
        .map((to) => [to, random.pick<Type>([1, 2, 3])] as const),
    ),
  };
}

describe.skipIf(absent !== undefined)("orderDependencies", () => {
  it("sorts as Python does, though the rule is no total order", () => {
    const questions = Array.from({ length: 120 }, (_, seed) => question(seed));
    const answers = askEach<number[][]>(reference, questions);
    for (const [seed, asked] of questions.entries()) {
      expect(ordered(asked), `seed ${seed}`).toEqual(answers[seed]?.value);
    }
  });
});
