/** What has to be done for some targets: the elements that must be built, and those whose artifacts are needed. */
import type { Element } from "../project/element.ts";
import type { ElementStates } from "./states.ts";

export interface Plan {
  /** Everything whose artifact is needed, each after what it depends on. */
  readonly required: readonly Element[];
  /** Those of them that are not in the cache. */
  readonly builds: ReadonlySet<Element>;
}

/**
 * An artifact that is there needs nothing but what it runs with; one that must be built needs its build dependencies
 * with what these run with, too.
 * @param elements all elements, each after what it depends on
 * @param targets what the user wants
 * @param withRuntime whether what the targets need at run time is wanted as well
 */
export function planBuild(
  elements: readonly Element[],
  targets: readonly Element[],
  states: ElementStates,
  withRuntime: boolean,
): Plan {
  const required = new Set<Element>();
  const builds = new Set<Element>();
  const stack: { element: Element; runtime: boolean }[] = targets.map((element) => ({ element, runtime: withRuntime }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { element, runtime } = next;
    if (required.has(element)) continue;
    required.add(element);
    if (runtime) for (const each of element.runtimeDependencies) stack.push({ element: each, runtime: true });
    if (states.isCached(element)) continue;
    builds.add(element);
    for (const each of element.buildDependencies) stack.push({ element: each, runtime: true });
  }
  return { required: elements.filter((element) => required.has(element)), builds };
}
