/** The graph as data: elements with what is known of them, and what depends on what. */
import type { Element } from "../project/element.ts";

export interface GraphNode {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** Undefined where a source has no ref. */
  readonly key: string | undefined;
  /** As `show` has it. */
  readonly state: string;
  /** Whether the user asked for it, and not only something else that depends on it. */
  readonly isTarget: boolean;
}

/** `from` depends on `to`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly build: boolean;
  readonly runtime: boolean;
  /** Whether a change always rebuilds `from`, in builds that are not strict as well. */
  readonly strict: boolean;
}

export interface Graph {
  readonly project: string;
  /** What is depended on comes first. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphFacts {
  readonly project: string;
  readonly targets: readonly Element[];
  keyOf(element: Element): string | undefined;
  stateOf(element: Element): string;
}

/** The elements, and the edges between two of them. */
export function graphOf(elements: readonly Element[], facts: GraphFacts): Graph {
  const included = new Set(elements);
  const targets = new Set(facts.targets);
  const nodes = elements.map((element) => ({
    name: element.fullName,
    kind: element.kind,
    description: element.description,
    key: facts.keyOf(element),
    state: facts.stateOf(element),
    isTarget: targets.has(element),
  }));
  const edges: GraphEdge[] = [];
  for (const element of elements) {
    const build = new Set(element.buildDependencies);
    const runtime = new Set(element.runtimeDependencies);
    for (const dependency of new Set([...build, ...runtime])) {
      if (!included.has(dependency)) continue;
      edges.push({
        from: element.fullName,
        to: dependency.fullName,
        build: build.has(dependency),
        runtime: runtime.has(dependency),
        strict: element.strictDependencies.has(dependency),
      });
    }
  }
  return { project: facts.project, nodes, edges };
}
