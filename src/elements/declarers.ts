/** Whose word a file's attributes are: for messages about what can't be had. */
import { BstError } from "../base/errors.ts";
import { type DeclarationError, declarationsOf } from "../oci/declared.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { DECLARED, elementsByOrigin, originId, originsOf, recordsOrigins } from "./origins.ts";

/**
 * Errors about what is declared for a path begin with where the element is declared that says so, if that can be told.
 * @param staged what the path is in, in this order
 */
export function declarationError(io: BuildIo, staged: readonly DependencyFacts[]): DeclarationError {
  return (path, message, options) => {
    const parts = staged.filter(({ hasArtifact }) => hasArtifact).reverse();
    for (const element of parts) {
      const declarer = declares(io, element, path) ? element : originOf(io, element, path);
      if (declarer !== undefined) return declarer.error(message, options);
    }
    return new BstError("element", message, options);
  };
}

function declares(io: BuildIo, element: DependencyFacts, path: string): boolean {
  const data = io.publicData(element, DECLARED);
  return data !== undefined && declarationsOf(io.cas, io.artifactTree(element), data).has(path);
}

/** The element that a composition has a file from. */
function originOf(io: BuildIo, element: DependencyFacts, path: string): DependencyFacts | undefined {
  if (!recordsOrigins(element)) return undefined;
  const { elements, of } = originsOf(io, element);
  const origin = elements[of.get(path) ?? -1];
  return origin && elementsByOrigin(allBelow(element)).get(originId(origin));
}

function allBelow(element: DependencyFacts): Set<DependencyFacts> {
  const found = new Set([element]);
  // It grows while it is walked over.
  for (const { buildDependencies, runtimeDependencies } of found) {
    for (const each of [...buildDependencies, ...runtimeDependencies]) found.add(each);
  }
  return found;
}
