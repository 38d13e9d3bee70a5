/** Which elements a command is about: targets with a part of their dependencies, less what is excepted. */
import { dependencies, Visited } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";

export type Selection = "none" | "run" | "build" | "all";

/** The targets with their dependencies of a kind, each once, in staging order. */
export function select(targets: readonly Element[], selection: Selection): Element[] {
  if (selection === "none") return [...new Set(targets)];
  const visited = new Visited();
  const result = targets.flatMap((target) => dependencies(target, selection, visited));
  return [...new Set(result)];
}

/** Leaves out the excepted elements, and what can be reached from the targets through them alone. */
export function except(
  targets: readonly Element[],
  elements: readonly Element[],
  excepted: readonly Element[],
): Element[] {
  if (excepted.length === 0) return [...elements];
  const targeted = new Set(select(targets, "all"));
  // What is excepted may not be reached itself, but things below it may.
  const barrier = new Set<Element>();
  walk(excepted, (element) => {
    if (!targeted.has(element)) return true;
    barrier.add(element);
    return false;
  });
  const reached = walk(targets, (element) => !barrier.has(element));
  for (const element of barrier) reached.delete(element);
  return elements.filter((element) => reached.has(element));
}

/** Visits elements and, where `goOn` says so, their dependencies. */
function walk(from: readonly Element[], goOn: (element: Element) => boolean): Set<Element> {
  const visited = new Set<Element>();
  const stack = [...from];
  for (let element = stack.pop(); element !== undefined; element = stack.pop()) {
    if (visited.has(element)) continue;
    visited.add(element);
    if (goOn(element)) stack.push(...element.buildDependencies, ...element.runtimeDependencies);
  }
  return visited;
}

/**
 * The order to build in: what the longest chain of builds waits for comes first, and everything after what it needs.
 * @param roots what is to be built, with all that it depends on
 */
export function deepestFirst(roots: readonly Element[]): Element[] {
  const order: Element[] = [];
  const visited = new Set<Element>();
  for (const root of roots) {
    const stack = [{ element: root, dependencies: runtimeFirst(root), next: 0 }];
    if (visited.has(root)) continue;
    visited.add(root);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const dependency = frame.dependencies[frame.next++];
      if (dependency === undefined) {
        order.push(frame.element);
        stack.pop();
      } else if (!visited.has(dependency)) {
        visited.add(dependency);
        stack.push({ element: dependency, dependencies: runtimeFirst(dependency), next: 0 });
      }
    }
  }
  const depths = new Map<Element, number>(order.map((element) => [element, 0]));
  const deepen = (element: Element, depth: number) => {
    if (depth > (depths.get(element) ?? 0)) depths.set(element, depth);
  };
  // Backwards, each element comes before what it needs.
  for (const element of order.toReversed()) {
    const depth = depths.get(element) ?? 0;
    for (const dependency of element.runtimeDependencies) deepen(dependency, depth);
    for (const dependency of element.buildDependencies) deepen(dependency, depth + 1);
  }
  return order.sort((a, b) => (depths.get(b) ?? 0) - (depths.get(a) ?? 0));
}

function runtimeFirst({ runtimeDependencies, buildDependencies }: Element): Element[] {
  return [...runtimeDependencies, ...buildDependencies];
}
