/** Walks over dependencies, in the order in which things are staged: what is needed comes before what needs it. */
import type { Element } from "../project/element.ts";

/** Which dependencies count; `none` is the element alone. */
export type Scope = "none" | "build" | "run" | "all";

interface Frame {
  readonly element: Element;
  readonly scope: "build" | "run" | "all";
  readonly dependencies: readonly Element[];
  next: number;
}

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
  const stack: Frame[] = [enter(element, scope, visited)];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const dependency = frame.dependencies[frame.next++];
    if (dependency === undefined) {
      if (frame.scope !== "build") result.push(frame.element);
      stack.pop();
    } else if (frame.scope === "all") {
      if (!visited.build.has(dependency) && !visited.run.has(dependency)) stack.push(enter(dependency, "all", visited));
    } else if (!visited.run.has(dependency)) {
      stack.push(enter(dependency, "run", visited));
    }
  }
  return result;
}

function enter(element: Element, scope: "build" | "run" | "all", visited: Visited): Frame {
  if (scope !== "run") visited.build.add(element);
  if (scope !== "build") visited.run.add(element);
  const { buildDependencies, runtimeDependencies } = element;
  const direct =
    scope === "build"
      ? buildDependencies
      : scope === "run"
        ? runtimeDependencies
        : [...buildDependencies, ...runtimeDependencies];
  return { element, scope, dependencies: direct, next: 0 };
}

/** Direct dependencies only, each once. */
export function directDependencies(element: Element, scope: "build" | "run" | "all"): Element[] {
  const both = [
    ...(scope === "run" ? [] : element.buildDependencies),
    ...(scope === "build" ? [] : element.runtimeDependencies),
  ];
  return [...new Set(both)];
}
