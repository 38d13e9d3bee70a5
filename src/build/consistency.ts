/** Checks before work begins, so that what can't succeed is not begun. */
import { BstError } from "../base/errors.ts";
import type { KeyRing } from "../graph/keys.ts";
import type { Element } from "../project/element.ts";
import { mirrorDirectory } from "../project/sources.ts";

/** @throws BstError domain pipeline, where a source has no ref */
export function assertResolved(elements: readonly Element[], keys: KeyRing | undefined): void {
  // What has a key has refs, and need not be resolved to say so.
  const unresolved = elements.filter((element) => keys?.of(element) === undefined && !element.isResolved);
  if (unresolved.length === 0) return;
  const workspaced = unresolved.filter((element) => element.workspace !== undefined);
  if (workspaced.length === unresolved.length) {
    throw new BstError("pipeline", "Elements with an open workspace cannot be used", {
      reason: "inconsistent-pipeline-workspaced",
      detail: `Close these workspaces first:\n${names(workspaced)}`,
    });
  }
  const lines = unresolved.flatMap(({ fullName, sources }) => [
    `${fullName}:`,
    ...sources.filter(({ source }) => !source.isResolved).map(({ node }) => `  ${node.provenance}`),
  ]);
  throw new BstError("pipeline", "Sources have no ref", {
    reason: "inconsistent-pipeline",
    detail: `${lines.join("\n")}\n\nTrack them first: bst-ts source track ELEMENT`,
  });
}

/** @throws BstError domain pipeline, where a source must be fetched first */
export function assertFetched(elements: readonly Element[], isStaged: (element: Element) => boolean): void {
  const lines = elements
    .filter((element) => !isStaged(element))
    .flatMap(({ fullName, project, sources }) => {
      const missing = sources.filter(
        ({ source, definition }) => !source.isCached({ mirrorDirectory: mirrorDirectory(project, definition.kind) }),
      );
      return missing.length === 0 ? [] : [`${fullName}:`, ...missing.map(({ node }) => `  ${node.provenance}`)];
    });
  if (lines.length === 0) return;
  throw new BstError("pipeline", "Sources are not in the cache", {
    reason: "uncached-sources",
    detail: `${lines.join("\n")}\n\nFetch them first: bst-ts source fetch ELEMENT`,
  });
}

function names(elements: readonly Element[]): string {
  return elements.map(({ fullName }) => `  ${fullName}`).join("\n");
}
