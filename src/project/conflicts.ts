/** A project that is loaded through several junctions is a conflict, unless its users say otherwise. */
import { LoadError } from "../base/errors.ts";
import type { ScalarNode } from "../yaml/node.ts";
import type { Loader } from "./loader.ts";
import type { Project } from "./project.ts";

/** @throws LoadError conflicting-junction */
export function assertNoConflicts(projects: readonly Project[]): void {
  const byName = groupByName(projects);
  for (const [name, same] of byName) {
    if (same.length < 2) continue;
    const described = same.map((project) => describe(project));
    const primary = described.filter(({ duplicatedBy, internalTo }) => duplicatedBy.length + internalTo.length === 0);
    const hasDuplicates = described.some(({ duplicatedBy }) => duplicatedBy.length > 0);
    if (primary.length > 1 || (primary.length === 1 && hasDuplicates)) {
      throw new LoadError("conflicting-junction", `The project '${name}' is loaded in more than one way`, {
        detail: [
          ...described.map(({ text }) => text),
          "Internal projects conflict with nothing. Otherwise mark every one of them as a duplicate, or override",
          "all junctions but one.",
        ].join("\n"),
      });
    }
  }
}

function groupByName(projects: readonly Project[]): Map<string, Project[]> {
  const groups = new Map<string, Project[]>();
  for (const project of projects) groups.set(project.name, [...(groups.get(project.name) ?? []), project]);
  return groups;
}

/** The projects above one that mark it as a duplicate, or as internal. */
export function describeRelations({ name, loader }: Project): { duplicatedBy: string[]; internalTo: string[] } {
  const marks = (junctions: readonly ScalarNode[], parent: Loader) =>
    junctions.some((node) => parent.openLoader(node) === loader);
  const above = [...loader.ancestors()];
  return {
    duplicatedBy: above
      .filter((parent) => marks(parent.project.junctionDuplicates.get(name) ?? [], parent))
      .map((parent) => title(parent)),
    internalTo: above.filter((parent) => marks(parent.project.junctionInternal, parent)).map((parent) => title(parent)),
  };
}

function describe(project: Project) {
  const { duplicatedBy, internalTo } = describeRelations(project);
  const lines = [
    title(project.loader),
    ...duplicatedBy.map((parent) => `  Duplicated by: ${parent}`),
    ...internalTo.map((parent) => `  Internal to: ${parent}`),
  ];
  return { duplicatedBy, internalTo, text: lines.join("\n") };
}

function title({ project, provenance }: Loader): string {
  if (project.junction === undefined) return `${project.name} (toplevel)`;
  const where = provenance === undefined ? "" : `: ${provenance.provenance}`;
  return `${project.name} (${project.junction.fullName})${where}`;
}
