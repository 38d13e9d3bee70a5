/** Which elements others depend on, compared with a walk over the graph. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Reachability } from "../../src/project/reachability.ts";

/** What each depends on, directly or not. */
function closures(graph: readonly (readonly number[])[]): ReadonlySet<number>[] {
  const found: Set<number>[] = [];
  for (const direct of graph) found.push(new Set(direct.flatMap((each) => [each, ...(found[each] ?? [])])));
  return found;
}

function reachability(graph: readonly (readonly number[])[]): Reachability {
  return new Reachability((index) => graph[index] ?? []);
}

const graphs = fc
  .array(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 4 }), { maxLength: 60 })
  .map((rows) => rows.map((row, index) => (index === 0 ? [] : row.map((part) => Math.floor(part * index)))));

test("is that of a walk, whatever the order of the questions", () => {
  fc.assert(
    fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, numbers) => {
      const expected = closures(graph);
      const asked = reachability(graph);
      for (let i = 0; i < 200; i++) {
        const [from, to] = [numbers.next().value % (graph.length + 1), numbers.next().value % (graph.length + 1)];
        if (from >= graph.length) continue;
        expect(asked.reaches(from, to)).toBe(expected[from]?.has(to));
      }
    }),
    { numRuns: 200 },
  );
});

// Three blocks of bits, and more slabs of blocks than one.
test("of thousands of elements", () => {
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const graph = Array.from({ length: 10_000 }, (_, index) =>
    index === 0 ? [] : [below(index), below(index), index - 1 - below(Math.min(index, 50))].slice(below(3)),
  );
  const expected = closures(graph.slice(0, 5000));
  const asked = reachability(graph);
  for (let i = 0; i < 200_000; i++) {
    const [from, to] = [below(5000), below(5000)];
    if (asked.reaches(from, to) !== expected[from]?.has(to)) expect([from, to]).toBe("told rightly");
  }
  const last = new Set<number>();
  const todo = [9999];
  for (let next = todo.pop(); next !== undefined; next = todo.pop())
    for (const each of graph[next] ?? []) if (!last.has(each)) todo.push(last.add(each) && each);
  for (let to = 0; to < 10_000; to++) if (asked.reaches(9999, to) !== last.has(to)) expect(to).toBe("told rightly");
});
