/** Walks over dependencies, in the order in which things are staged: what is needed comes before what needs it. */
import type { Element } from "../project/element.ts";

/** Which dependencies count; `none` is the element alone. */
export type Scope = "none" | "build" | "run" | "all";

/**
 * What is still to be visited, kept over several walks so that nothing comes twice. An element can be seen once for
 * what it needs to be built and once for what it needs to run.
 */
export class Visited {
  readonly build = new Set<Element>();
  readonly run = new Set<Element>();
}

/**
 * An element's dependencies in a scope, each once: `build` gives what must be staged to build it, without itself; `run`
 * the element with what it needs at run time; `all` both, with the element last.
 */
export function dependencies(element: Element, scope: Scope, visited = new Visited()): Element[] {
  if (scope === "none") return [element];
  if (scope !== "run" && visited.build.has(element)) return [];
  if (scope !== "build" && visited.run.has(element)) return [];

  const result: Element[] = [];
  switch (scope) {
    case "build":
      visited.build.add(element);
      for (const each of element.buildDependencies) addWithRuntime(each, visited, result);
      break;
    case "run":
      addWithRuntime(element, visited, result);
      break;
    case "all":
      addAll(element, visited, result);
  }
  return result;
}

/** Adds an element behind what it needs at run time. Elements on the way, and where each goes on, stand in two stacks. */
function addWithRuntime(element: Element, { run }: Visited, result: Element[]): void {
  if (run.has(element)) return;
  run.add(element);
  const way = [element];
  const next = [0];
  for (let last = way.length - 1; last >= 0; last = way.length - 1) {
    const { runtimeDependencies } = way[last] as Element;
    let at = next[last] as number;
    let dependency = runtimeDependencies[at++];
    while (dependency !== undefined && run.has(dependency)) dependency = runtimeDependencies[at++];
    if (dependency === undefined) {
      result.push(way.pop() as Element);
      next.pop();
    } else {
      next[last] = at;
      run.add(dependency);
      way.push(dependency);
      next.push(0);
    }
  }
}

/** Adds an element behind all that it depends on, be it to be built or to run. */
function addAll(element: Element, { build, run }: Visited, result: Element[]): void {
  const enter = (each: Element) => {
    build.add(each);
    run.add(each);
    return { element: each, dependencies: [...each.buildDependencies, ...each.runtimeDependencies], next: 0 };
  };
  const stack = [enter(element)];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const dependency = frame.dependencies[frame.next++];
    if (dependency === undefined) {
      result.push(frame.element);
      stack.pop();
    } else if (!build.has(dependency) && !run.has(dependency)) {
      stack.push(enter(dependency));
    }
  }
}

/** Direct dependencies only, each once. */
export function directDependencies(element: Element, scope: "build" | "run" | "all"): Element[] {
  const both = [
    ...(scope === "run" ? [] : element.buildDependencies),
    ...(scope === "build" ? [] : element.runtimeDependencies),
  ];
  return [...new Set(both)];
}
