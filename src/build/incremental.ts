/** Incremental builds in workspaces: they start from where the last build ended, with what changed in the sources since. */
import type { ArtifactRecord, BuildDependency } from "../artifact/record.ts";
import { sameNode } from "../cas/diff.ts";
import { type Digest, sameDigest } from "../cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST, type FileNode, nodesOf, type SymlinkNode, type TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { dependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";
import type { BuildTools } from "./build-tools.ts";
import type { ElementStates } from "./states.ts";

/**
 * What the build of a workspace starts from instead of its sources alone; undefined where that is all it can start from:
 * it was not built before, was built from other dependencies, or its last build tree is not in the cache.
 * @param sources as they are now
 */
export function incrementalSources(element: Element, sources: Digest, tools: BuildTools): Digest | undefined {
  const key = element.workspace?.lastBuild;
  if (key === undefined) return undefined;
  const { cas, artifacts } = tools.caches;
  const last = artifacts.find({ project: element.projectName, normalName: element.normalName, key });
  if (last?.buildTree === undefined || last.sources === undefined) return undefined;
  if (!cas.hasTree(last.buildTree) || !cas.hasTree(last.sources)) return undefined;
  if (!isBuiltFrom(last, buildDependencies(element, tools.states))) return undefined;
  return applyChanges(cas, last.buildTree, last.sources, sources);
}

/** What an element is built from at this moment. */
export function buildDependencies(element: Element, states: ElementStates): BuildDependency[] {
  return dependencies(element, "build").map((dependency) => ({
    projectName: dependency.projectName,
    elementName: dependency.name,
    cacheKey: states.of(dependency).key ?? "",
    wasWorkspaced: dependency.workspace !== undefined,
  }));
}

function isBuiltFrom({ buildDeps: before }: ArtifactRecord, now: readonly BuildDependency[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ projectName, elementName, cacheKey }, i) => {
      const other = now[i];
      return projectName === other?.projectName && elementName === other.elementName && cacheKey === other.cacheKey;
    })
  );
}

/**
 * A tree with the changes that lead from one tree to another. Where it differs from the first by itself, it stays as it
 * is unless that very file was changed.
 */
export function applyChanges(cas: Cas, tree: Digest, from: Digest, to: Digest): Digest {
  if (sameDigest(from, to)) return tree;
  const [own, before, after] = [byName(cas, tree), byName(cas, from), byName(cas, to)];
  for (const [name, node] of after) {
    const there = own.get(name);
    const old = before.get(name);
    if ((there !== undefined && sameNode(there, node)) || (old !== undefined && sameNode(old, node))) continue;
    if (there?.kind === "directory" && node.kind === "directory") {
      const oldDigest = old?.kind === "directory" ? old.digest : EMPTY_DIRECTORY_DIGEST;
      own.set(name, { ...there, digest: applyChanges(cas, there.digest, oldDigest, node.digest) });
    } else {
      own.set(name, node);
    }
  }
  for (const name of before.keys()) if (!after.has(name)) own.delete(name);
  const nodes = [...own.values()];
  return cas.writeDirectory({
    files: nodes.filter((node): node is TreeNode & FileNode => node.kind === "file"),
    directories: nodes.filter((node) => node.kind === "directory"),
    symlinks: nodes.filter((node): node is TreeNode & SymlinkNode => node.kind === "symlink"),
  });
}

function byName(cas: Cas, digest: Digest): Map<string, TreeNode> {
  return new Map(nodesOf(cas.readDirectory(digest)).map((node) => [node.name, node]));
}
