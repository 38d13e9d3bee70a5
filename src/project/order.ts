/** Checks that the loaded elements form no cycle, and puts the dependencies of each in the order that keys depend on. */
import { LoadError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { RUNTIME } from "./dependencies.ts";
import type { Dependency, LoadElement } from "./load-element.ts";

/**
 * Sorts the dependencies of everything that the targets reach.
 * @returns all elements, each after what it depends on
 * @throws LoadError circular-dependency
 */
export function orderDependencies(targets: readonly LoadElement[]): LoadElement[] {
  const elements = dependenciesFirst(targets);
  const reach = new Reachability(elements);
  for (const element of elements) {
    if (element.dependencies.length > 1) element.dependencies.sort((a, b) => compare(a, b, reach));
  }
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

function circular(path: readonly LoadElement[], repeated: LoadElement): LoadError {
  const chain = [...path.slice(path.indexOf(repeated)), repeated].map((element) => element.fullName);
  return new LoadError(
    "circular-dependency",
    `${repeated.fullName} depends on itself\nThe chain of dependencies: ${chain.join(" -> ")}`,
  );
}

/** Which element depends on which, directly or not: a row of bits for each, computed when first asked for. */
class Reachability {
  private readonly index = new Map<LoadElement, number>();
  private readonly elements: readonly LoadElement[];
  private readonly rows: Uint32Array[];

  constructor(elements: readonly LoadElement[]) {
    this.elements = elements;
    elements.forEach((element, i) => {
      this.index.set(element, i);
    });
    this.rows = new Array(elements.length);
  }

  dependsOn(element: LoadElement, other: LoadElement): boolean {
    const from = this.index.get(element) ?? -1;
    const to = this.index.get(other) ?? -1;
    // What an element depends on stands before it.
    if (to >= from) return false;
    return ((this.row(from)[to >>> 5] ?? 0) & (1 << (to & 31))) !== 0;
  }

  private row(target: number): Uint32Array {
    const known = this.rows[target];
    if (known !== undefined) return known;
    // Rows of dependencies come first; a stack, since chains can be long.
    const stack = [target];
    for (let i = stack.at(-1); i !== undefined; i = stack.at(-1)) {
      const element = this.elements[i];
      if (element === undefined || this.rows[i] !== undefined) {
        stack.pop();
        continue;
      }
      const dependencies = element.dependencies.map((dependency) => this.index.get(dependency.element) ?? -1);
      const missing = dependencies.filter((d) => this.rows[d] === undefined);
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      const row = new Uint32Array((i >>> 5) + 1);
      // The last come first: what they reach themselves has nothing to add.
      for (const d of dependencies.sort((a, b) => b - a)) {
        const below = this.rows[d];
        const bits = row[d >>> 5] ?? 0;
        if (below === undefined || (bits & (1 << (d & 31))) !== 0) continue;
        for (let word = 0; word < below.length; word++) row[word] = (row[word] as number) | (below[word] as number);
        row[d >>> 5] = (row[d >>> 5] ?? 0) | (1 << (d & 31));
      }
      this.rows[i] = row;
      stack.pop();
    }
    return this.rows[target] ?? new Uint32Array(0);
  }
}

/**
 * What is needed by others first, then build dependencies before runtime ones, then by name. This is no total order:
 * the result depends on the sorting algorithm, and V8's is a port of the one that the format's order comes from.
 */
function compare(a: Dependency, b: Dependency, reach: Reachability): number {
  if (reach.dependsOn(a.element, b.element)) return 1;
  if (reach.dependsOn(b.element, a.element)) return -1;
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
