/** The orders of scopes, compared with what their definitions say when they are written down naively. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuildScopes } from "../../src/graph/build-scopes.ts";
import { dependencies, directDependencies, type Scope, Visited } from "../../src/graph/scopes.ts";
import type { Element } from "../../src/project/element.ts";

interface Node {
  readonly name: string;
  readonly serial: number;
  readonly buildDependencies: Node[];
  readonly runtimeDependencies: Node[];
}

type Type = "build" | "runtime" | "all";

/** Elements 0, 1, … of which each depends on earlier ones. */
function graph(edges: readonly (readonly (readonly [to: number, type: Type])[])[]): Node[] {
  const nodes: Node[] = [];
  edges.forEach((list, index) => {
    const of = (other: Type) =>
      list.flatMap(([to, type]) => {
        const node = nodes[to];
        return type === other || node === undefined ? [] : [node];
      });
    nodes.push({
      name: String(index),
      serial: index,
      buildDependencies: of("runtime"),
      runtimeDependencies: of("build"),
    });
  });
  return nodes;
}

/** Scopes look at nothing of an element but its dependencies. */
const asElement = (node: Node) => node as unknown as Element;
const names = (elements: readonly { readonly name: string }[]) => elements.map(({ name }) => name).join(" ");
const scope = (node: Node | undefined, which: Scope, visited?: Visited) => {
  if (node === undefined) throw new Error("no such element");
  return names(dependencies(asElement(node), which, visited));
};

const edges = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc.tuple(
    ...Array.from({ length: size }, (_, index) =>
      index === 0
        ? fc.constant([])
        : fc.uniqueArray(fc.tuple(fc.nat(index - 1), fc.constantFrom<Type>("build", "runtime", "all")), {
            maxLength: 4,
            selector: ([to]) => to,
          }),
    ),
  ),
);

/** What an element needs to run, each after what it needs itself, and the element last. */
function run(node: Node, seen = new Set<Node>()): Node[] {
  if (seen.has(node)) return [];
  seen.add(node);
  return [...node.runtimeDependencies.flatMap((each) => run(each, seen)), node];
}

/** What must be staged to build an element: what its build dependencies need to run. */
function build(node: Node): Node[] {
  const seen = new Set<Node>();
  return node.buildDependencies.flatMap((each) => run(each, seen));
}

function all(node: Node, seen = new Set<Node>()): Node[] {
  if (seen.has(node)) return [];
  seen.add(node);
  return [...[...node.buildDependencies, ...node.runtimeDependencies].flatMap((each) => all(each, seen)), node];
}

describe("dependencies", () => {
  it("are those that the definitions of the scopes say, in their order", () => {
    fc.assert(
      fc.property(edges, (list) => {
        for (const node of graph(list)) {
          expect(scope(node, "none")).toBe(node.name);
          expect(scope(node, "run")).toBe(names(run(node)));
          expect(scope(node, "build")).toBe(names(build(node)));
          expect(scope(node, "all")).toBe(names(all(node)));
        }
      }),
    );
  });

  it("does not give to build what build dependencies are built with", () => {
    const nodes = graph([[], [[0, "build"]], [[1, "build"]]]);
    expect(scope(nodes[2], "build")).toBe("1");
    expect(scope(nodes[2], "all")).toBe("0 1 2");
    expect(scope(nodes[2], "run")).toBe("2");
  });

  it("gives nothing twice over several walks", () => {
    const nodes = graph([[], [[0, "all"]], [[0, "all"]]]);
    const visited = new Visited();
    expect([1, 2, 1].map((index) => scope(nodes[index], "run", visited))).toEqual(["0 1", "2", ""]);
  });

  it("of one element after the other are the same by serials, whatever was asked for before", () => {
    const asked = fc.array(fc.nat(11), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(edges, asked, (list, indexes) => {
        const nodes = graph(list);
        const scopes = new BuildScopes();
        for (const index of indexes) {
          const node = nodes[index % nodes.length];
          if (node === undefined) throw new Error("no such element");
          const found = [...scopes.of(asElement(node))].map((serial) => scopes.element(serial));
          expect(names(found)).toBe(names(build(node)));
        }
      }),
    );
  });

  it("are found by serials beyond what there was room for", () => {
    const nodes = graph(Array.from({ length: 5000 }, (_, index) => (index === 0 ? [] : [[index - 1, "all"]])));
    const scopes = new BuildScopes();
    for (const index of [1, 4999, 3000]) {
      expect([...scopes.of(asElement(nodes[index] as Node))]).toEqual([...nodes.keys()].slice(0, index));
    }
  });

  it("goes as deep as chains are long", () => {
    const nodes = graph(Array.from({ length: 100_000 }, (_, index) => (index === 0 ? [] : [[index - 1, "all"]])));
    const last = asElement(nodes.at(-1) ?? { name: "", serial: 0, buildDependencies: [], runtimeDependencies: [] });
    expect(dependencies(last, "run").map(({ name }) => Number(name))).toEqual([...nodes.keys()]);
  });
});

it("directDependencies are each given once, those to build first", () => {
  const [, , , last] = graph([
    [],
    [],
    [],
    [
      [1, "runtime"],
      [0, "all"],
      [2, "build"],
    ],
  ]);
  if (last === undefined) throw new Error("no such element");
  expect(names(directDependencies(asElement(last), "all"))).toBe("0 2 1");
  expect(names(directDependencies(asElement(last), "build"))).toBe("0 2");
  expect(names(directDependencies(asElement(last), "run"))).toBe("1 0");
});
