/** Builds one element: stages, runs its commands, and keeps the result as an artifact, be it a failed one. */
import { basename } from "node:path";
import { environmentMetadata, publicMetadata, variablesMetadata } from "../artifact/metadata.ts";
import type { ArtifactRecord } from "../artifact/record.ts";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import { inTree } from "../base/paths.ts";
import type { Digest } from "../cas/digest.ts";
import type { Tree } from "../cas/tree.ts";
import type { Element } from "../project/element.ts";
import { sandboxFields } from "../project/sandbox-config.ts";
import { emitYaml } from "../yaml/emit.ts";
import { ElementBuild } from "./build-io.ts";
import type { BuildTools } from "./build-tools.ts";
import { buildDependencies } from "./incremental.ts";
import { recordKeyFields } from "./key-record.ts";

const ARTIFACT_VERSION = 2;

export type KeepBuildTrees = "always" | "auto" | "never";

interface Outcome {
  /** Absolute path in the sandbox of what the artifact holds; undefined where there is nothing to keep. */
  readonly collect: string | undefined;
  readonly error: BstError | undefined;
}

/**
 * Builds an element whose sources are staged and whose dependencies are built.
 * @throws BstError for a failed build, once that is in the cache
 */
export async function assemble(element: Element, tools: BuildTools, keepBuildTrees: KeepBuildTrees): Promise<void> {
  await using build = new ElementBuild(element, tools);
  const { messenger } = tools;
  messenger.emit({
    type: "log",
    text: `Build environment of ${element.name}`,
    detail: emitYaml({ ...build.environment }),
    ...build.about,
  });
  await element.behaviour.stage?.(build);
  let outcome: Outcome;
  try {
    const collect = await element.behaviour.assemble(build);
    outcome = { collect, error: undefined };
    if (folder(build.root, collect) === undefined) {
      throw element.error(`The build left no folder '${collect}' to make an artifact of`);
    }
  } catch (error) {
    // Only what the build itself did wrong is a result worth keeping.
    if (!(error instanceof BstError) || !isResult(error)) throw error;
    // What commands had installed by then helps to find out why they failed.
    outcome = { collect: error.reason === "command-failed" ? element.variable("install-root") : undefined, error };
  }
  tools.signal.throwIfAborted();
  const record = activity(messenger, "Caching artifact", () => cacheArtifact(build, tools, outcome, keepBuildTrees), {
    element: element.fullName,
  });
  tools.states.set(element, record);
  if (outcome.error !== undefined) throw outcome.error;
}

/** A sandbox that can't be set up, as its errors without a reason say, may well be the next time. */
function isResult({ domain, reason }: BstError): boolean {
  return domain === "element" || (domain === "sandbox" && reason !== undefined);
}

function cacheArtifact(
  build: ElementBuild,
  tools: BuildTools,
  { collect, error }: Outcome,
  keepBuildTrees: KeepBuildTrees,
): ArtifactRecord {
  const { caches, states, keys, messenger, workspaces } = tools;
  const { element, root } = build;
  const { cas, artifacts } = caches;
  const keepsTree =
    keepBuildTrees === "always" || (keepBuildTrees === "auto" && (error !== undefined || build.isWorkspaced));
  const { weak, strict } = keys.of(element) ?? {};
  const { key } = states.of(element);
  if (weak === undefined || strict === undefined || key === undefined) {
    throw new Error(`${element.fullName} was built without a key`);
  }
  const logFile = messenger.job.logFile;
  const variables = Object.fromEntries(element.variables);
  const files = collect === undefined ? undefined : folder(root, collect);
  const record: ArtifactRecord = {
    version: ARTIFACT_VERSION,
    buildSuccess: error === undefined,
    buildError: error === undefined ? "succeeded" : error.message,
    buildErrorDetails: error?.detail ?? "",
    strongKey: key,
    strictKey: strict,
    weakKey: weak,
    wasWorkspaced: build.isWorkspaced,
    files,
    publicData: publicMetadata(cas, build.publicDataNow),
    lowDiversityMeta: environmentMetadata(cas, element.environment, sandboxFields(element.sandbox)),
    highDiversityMeta: variablesMetadata(cas, variables),
    logs: logFile === undefined ? [] : [{ name: basename(logFile), digest: cas.importFile(logFile) }],
    buildDeps: buildDependencies(element, states),
    buildTree: keepsTree ? folder(root, element.variable("build-root") ?? "/") : undefined,
    sources: keepsTree ? states.stagedSources(element) : undefined,
    buildRoot: keepsTree ? root.digest() : undefined,
    buildSandbox: keepsTree
      ? {
          environment: build.environment,
          workingDirectory: build.layout.workDirectory ?? "",
          markedDirectories: build.layout.writable ?? [],
          subsandboxes: build.digestTrees,
        }
      : undefined,
  };
  artifacts.put({ project: element.projectName, normalName: element.normalName }, record);
  recordKeyFields(caches, element, key);
  // The next build in the workspace starts from this one, also where it failed.
  if (build.isWorkspaced) workspaces.setLastBuild(element.fullName, key);
  return record;
}

function folder(root: Tree, path: string): Digest | undefined {
  const inner = inTree(path);
  if (inner === "") return root.digest();
  return root.lookup(inner)?.kind === "directory" ? root.openDirectory(inner).digest() : undefined;
}
