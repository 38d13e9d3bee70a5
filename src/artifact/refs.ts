/** Names of artifacts: `<project>/<element>/<key>`, which is also where they are in the cache. */

export interface ArtifactName {
  readonly project: string;
  /** The element's name without `.bst`, with `-` for `/`. */
  readonly normalName: string;
  /** A strong, strict or weak key. */
  readonly key: string;
}

/** The name as BuildStream writes it; characters that are not safe in a path become `_`. */
export function formatRef({ project, normalName, key }: ArtifactName): string {
  return `${project}/${normalName.replace(/[^0-9A-Za-z._-]/gu, "_")}/${key}`;
}

/** An element's name as artifacts have it: without its suffix, and with `-` for `/`. */
export function normalNameOf(elementName: string): string {
  return elementName.replaceAll("/", "-").replace(/(?<=[^.].*)\.[^.]*$/, "");
}

/** The reverse of {@link formatRef}; undefined for text that is no artifact's name. */
export function parseRef(text: string): ArtifactName | undefined {
  const [, project, normalName, key] = /^([^/]+)\/([^/]+)\/([0-9a-f]{64})$/.exec(text) ?? [];
  if (
    project === undefined ||
    normalName === undefined ||
    key === undefined ||
    !isSafe(project) ||
    !isSafe(normalName)
  ) {
    return undefined;
  }
  return { project, normalName, key };
}

function isSafe(component: string): boolean {
  return component !== "." && component !== "..";
}
