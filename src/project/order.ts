/** Checks that the loaded elements form no cycle, and puts the dependencies of each in the order that keys depend on. */
import { LoadError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { RUNTIME } from "./dependencies.ts";
import type { Dependency, LoadElement } from "./load-element.ts";
import { Reachability } from "./reachability.ts";

/**
 * Sorts the dependencies of everything that the targets reach.
 * @returns all elements, each after what it depends on
 * @throws LoadError circular-dependency
 */
export function orderDependencies(targets: readonly LoadElement[]): LoadElement[] {
  const elements = dependenciesFirst(targets);
  elements.forEach((element, index) => {
    element.index = index;
  });
  const graph = new Reachability((index) => (elements[index]?.dependencies ?? []).map(({ element }) => element.index));
  for (const { dependencies } of elements) dependencies.sort((a, b) => compare(a, b, graph));
  return elements;
}

/** Every element after its dependencies, by a walk whose depth costs no stack. */
function dependenciesFirst(targets: readonly LoadElement[]): LoadElement[] {
  const done: LoadElement[] = [];
  const finished = new Set<LoadElement>();
  const open = new Set<LoadElement>();
  for (const target of targets) {
    if (finished.has(target)) continue;
    const stack = [{ element: target, next: 0 }];
    open.add(target);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const dependency = frame.element.dependencies[frame.next++]?.element;
      if (dependency === undefined) {
        stack.pop();
        open.delete(frame.element);
        finished.add(frame.element);
        done.push(frame.element);
      } else if (open.has(dependency)) {
        throw circular(
          stack.map((entry) => entry.element),
          dependency,
        );
      } else if (!finished.has(dependency)) {
        open.add(dependency);
        stack.push({ element: dependency, next: 0 });
      }
    }
  }
  return done;
}

/** Every element once, before what it depends on and was not met before. */
export function* dependentsFirst(targets: readonly LoadElement[]): Generator<LoadElement> {
  const seen = new Set<LoadElement>();
  const pending = [...targets].reverse();
  for (let element = pending.pop(); element !== undefined; element = pending.pop()) {
    if (seen.has(element)) continue;
    seen.add(element);
    yield element;
    for (const { element: dependency } of element.dependencies.toReversed()) pending.push(dependency);
  }
}

function circular(path: readonly LoadElement[], repeated: LoadElement): LoadError {
  const chain = [...path.slice(path.indexOf(repeated)), repeated].map((element) => element.fullName);
  return new LoadError(
    "circular-dependency",
    `${repeated.fullName} depends on itself\nThe chain of dependencies: ${chain.join(" -> ")}`,
  );
}

/**
 * What is needed by others first, then build dependencies before runtime ones, then by name. This is no total order:
 * the result depends on the sorting algorithm, and V8's is a port of the one that the format's order comes from.
 */
function compare(a: Dependency, b: Dependency, graph: Reachability): number {
  if (graph.reaches(a.element.index, b.element.index)) return 1;
  if (graph.reaches(b.element.index, a.element.index)) return -1;
  if (a.type !== b.type) {
    if (a.type === RUNTIME) return 1;
    if (b.type === RUNTIME) return -1;
  }
  const byName = compareCodePoints(a.element.name, b.element.name);
  if (byName !== 0) return byName;
  const [junctionA, junctionB] = [a.element.project.junction, b.element.project.junction];
  if (junctionA !== undefined && junctionB !== undefined) return compareCodePoints(junctionA.name, junctionB.name);
  // The toplevel project's come last.
  return junctionA !== undefined ? -1 : junctionB !== undefined ? 1 : 0;
}
