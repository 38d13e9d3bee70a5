/** Where a source comes from and in which version, in the form that `show` prints and manifests hold. */
import type { Plain } from "../yaml/node.ts";
import type { Project } from "./project.ts";
import type { SourceInfo } from "./source-kind.ts";
import { checkAttributes, type ElementSource } from "./sources.ts";

/** In the order of BuildStream's output. */
export type SourceDescription = {
  kind: string;
  url: string;
  homepage?: string;
  "issue-tracker"?: string;
  /** All facts that the user gives. */
  provenance?: { [key: string]: Plain };
  medium: string;
  "version-type": string;
  /** `None` where the source has no ref yet. */
  version: string;
  "version-guess"?: string;
  "extra-data"?: { [key: string]: string };
};

/** @throws LoadError undefined-source-provenance-attribute, invalid-data, for facts that the project has no names for */
export function describeSource(
  project: Project,
  { definition, attributes }: ElementSource,
  infos: readonly SourceInfo[],
): SourceDescription[] {
  if (attributes !== undefined) checkAttributes(project, attributes);
  return infos.map(({ url, medium, versionType, version, versionGuess, extraData, attributes: own }) => {
    if (own !== undefined) checkAttributes(project, own);
    const facts = (own ?? attributes)?.toPlain();
    return {
      kind: definition.kind,
      url,
      ...(typeof facts?.["homepage"] === "string" && { homepage: facts["homepage"] }),
      ...(typeof facts?.["issue-tracker"] === "string" && { "issue-tracker": facts["issue-tracker"] }),
      ...(facts !== undefined && { provenance: facts }),
      medium,
      "version-type": versionType,
      version: version ?? "None",
      ...(versionGuess !== undefined && { "version-guess": versionGuess }),
      ...(extraData !== undefined && Object.keys(extraData).length > 0 && { "extra-data": { ...extraData } }),
    };
  });
}
