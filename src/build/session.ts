/** What the commands of one invocation work with: the loaded graph, the caches, and what is known of each element. */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { SourceStore } from "../artifact/sources.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import type { EventSink } from "../base/messages.ts";
import { materialise } from "../cas/materialise.ts";
import type { Cas } from "../cas/store.ts";
import type { KeyMemory } from "../graph/key-memory.ts";
import { type LoadedGraph, loadGraph, SubprojectMissing } from "../graph/load.ts";
import { loadPlugin, PluginNotLoaded } from "../project/plugin-modules.ts";
import type { Project } from "../project/project.ts";
import type { LoadSession } from "../project/session.ts";
import type { UserConfig } from "../project/user-config.ts";
import type { Workspaces } from "../project/workspaces.ts";
import type { JobFailed } from "./jobs.ts";
import type { Remotes } from "./remotes.ts";
import type { OnError } from "./scheduler.ts";
import { fetchOriginals, stageSources } from "./source-io.ts";
import type { ElementStates } from "./states.ts";

/** The folders that outlive a command. */
export interface Caches {
  readonly cas: Cas;
  readonly artifacts: ArtifactStore;
  readonly sources: SourceStore;
  /** Where what was computed from content-addressed input is remembered. */
  readonly memoDirectory: string;
}

export interface Session {
  readonly config: UserConfig;
  readonly caches: Caches;
  readonly graph: LoadedGraph;
  readonly states: ElementStates;
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** Whether only artifacts count that are built from exactly what is declared now. */
  readonly strict: boolean;
  readonly workspaces: Workspaces;
  /** The servers that the command uses, if it uses any. */
  readonly remotes?: Remotes;
  /** Asks the user what to do after a job has failed; where there is nobody to ask, the user configuration says it. */
  readonly askAfterFailure?: (failure: JobFailed) => Promise<OnError | "retry">;
}

/** Loads the graph, staging the sources of junctions on the way, which may mean to fetch them, and loading plugins. */
export async function loadWithSubprojects(
  session: Omit<LoadSession, "openJunction" | "projects">,
  directory: string,
  targetsOf: (project: Project) => readonly string[],
  tools: { readonly cas: Cas; readonly signal: AbortSignal; readonly memory?: KeyMemory },
): Promise<LoadedGraph> {
  for (;;) {
    try {
      return loadGraph(session, directory, targetsOf, tools.memory);
    } catch (error) {
      if (error instanceof SubprojectMissing) {
        await stageJunction(error, { ...tools, messenger: session.messenger });
      } else if (error instanceof PluginNotLoaded) {
        session.kinds.modules.set(error.path, await loadPlugin(error, session.kinds.pluginApi));
      } else {
        throw error;
      }
    }
  }
}

/** Another process may stage the same junction at the same moment: whoever renames first is right. */
async function stageJunction({ junction, directory }: SubprojectMissing, tools: Parameters<typeof fetchOriginals>[1]) {
  await fetchOriginals(junction, tools);
  const tree = await stageSources(junction, tools);
  const temporary = `${directory}.${process.pid}`;
  mkdirSync(dirname(directory), { recursive: true });
  try {
    materialise(tools.cas, tree, temporary, { mode: "copy" });
    renameSync(temporary, directory);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}
