/** Opens what commands work on: user configuration, caches, the project, and the elements that were asked for. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SourceStore } from "../artifact/sources.ts";
import { ArtifactStore } from "../artifact/store.ts";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import { connectRemotes, type RemoteWishes } from "../build/remotes.ts";
import { loadWithSubprojects, type Session } from "../build/session.ts";
import { ElementStates } from "../build/states.ts";
import { importLocalPath } from "../cas/import.ts";
import { LocalIndex } from "../cas/local-index.ts";
import { Cas } from "../cas/store.ts";
import { elementKinds } from "../elements/index.ts";
import { pluginApi } from "../elements/plugin-api.ts";
import { publicDataChecks } from "../elements/public-data.ts";
import { KeyMemory } from "../graph/key-memory.ts";
import type { Element } from "../project/element.ts";
import { YamlFiles } from "../project/files.ts";
import { PROJECT_CONF, type Project } from "../project/project.ts";
import { loadUserConfig, type UserConfig } from "../project/user-config.ts";
import { WORKSPACE_CONF, Workspaces, workspaceProject } from "../project/workspaces.ts";
import { sourceKinds } from "../sources/index.ts";
import type { CommandContext } from "./app.ts";
import { expandElements, requireElements } from "./targets.ts";

/** Tells one build of the program from others; set when it is bundled. */
const BUILD = process.env["BST_TS_BUILD"];

export interface OpenOptions {
  /** Names of elements, as the user gave them; the project's default targets where there are none. */
  readonly targets: readonly string[];
  /** Whether nothing is loaded but the project where there are no names. */
  readonly withoutDefaults?: boolean;
  /** Elements to leave out. */
  readonly except?: readonly string[];
  readonly retryFailed?: boolean;
  /** Whether local files that are read for keys are copied to the store at once, since they will be needed there. */
  readonly storesLocal?: boolean;
  /** Full names of elements that are loaded with their own sources, even if a workspace is open on them. */
  readonly ownSources?: ReadonlySet<string>;
  /** Whether junctions among the default targets are left out. */
  readonly skipDefaultJunctions?: boolean;
  /** The caches whose servers the command uses; without it, nobody is asked. */
  readonly servers?: RemoteWishes | undefined;
  /** Names of projects that need not be loaded, whose artifacts are meant as well. */
  readonly furtherProjects?: readonly string[];
}

/** A session, and the elements that the command is about. */
export interface Workbench extends Session {
  readonly targets: readonly Element[];
  readonly excepted: readonly Element[];
}

/** What is there without a project. */
export interface Bench {
  readonly config: UserConfig;
  readonly caches: Session["caches"];
}

/** Reads the user configuration and opens the caches. */
export function openBench(context: CommandContext): Bench {
  const { globals, reporter, cwd, atEnd } = context;
  const config = loadUserConfig({ cwd, env: process.env, path: globals.config, overrides: globals });
  reporter.configure(config.logging);
  const cas = new Cas(join(config.cacheDirectory, "cas"), join(config.cacheDirectory, "bst-ts", "presence"));
  atEnd(() => cas.savePresence());
  const caches = {
    cas,
    artifacts: new ArtifactStore(config.cacheDirectory, cas),
    sources: new SourceStore(config.cacheDirectory, cas),
    memoDirectory: join(config.cacheDirectory, "bst-ts", "memo"),
  };
  return { config, caches };
}

/** Loads the project around the current folder, with the elements that the command is about. */
export async function openWorkbench(context: CommandContext, options: OpenOptions): Promise<Workbench> {
  const { globals, reporter, signal } = context;
  const { config, caches } = openBench(context);
  const { cas } = caches;
  const { directory, workspaceElement } = findProject(context.directory);
  const indexDirectory = join(config.cacheDirectory, "bst-ts", "index", encodeURIComponent(directory));
  const index = new LocalIndex(indexDirectory);
  const files = new YamlFiles(join(indexDirectory, "yaml"));
  const memory = BUILD === undefined ? undefined : new KeyMemory(indexDirectory, BUILD);
  const workspaces = new Workspaces(directory);
  const except = options.except ?? [];
  let names: readonly string[] = [];

  const graph = await activity(reporter, "Loading elements", async (tally) => {
    const loaded = await loadWithSubprojects(
      {
        config,
        kinds: {
          elements: elementKinds,
          sources: sourceKinds,
          publicData: publicDataChecks,
          pluginPaths: [...globals.pluginPath.map((path) => resolve(context.cwd, path)), ...config.pluginPaths],
          modules: new Map(),
          pluginApi,
        },
        files,
        messenger: reporter,
        options: globals.option,
        maxJobs: config.build.maxJobs,
        localTree: (path, { mtimes, store = false } = {}) =>
          importLocalPath(cas, path, {
            index,
            mtimes: mtimes === true && "below",
            store: store ? "all" : options.storesLocal ? "new" : "none",
          }),
        workspace: (fullName) => (options.ownSources?.has(fullName) ? undefined : workspaces.find(fullName)),
      },
      directory,
      (project) => {
        requireElements(options.targets);
        const given = expandElements(options.targets, () => project.allElements(), reporter);
        const isGiven = options.targets.length > 0 || options.withoutDefaults === true;
        names = isGiven ? given : defaultTargets(project, workspaceElement);
        return [...names, ...except];
      },
      { cas, signal, ...(memory !== undefined && { memory }) },
    );
    tally.processed = loaded.elements.filter(isBuildable).length;
    return loaded;
  });
  files.save();
  activity(reporter, "Resolving elements", (tally) => {
    for (const element of graph.elements) graph.keys.of(element);
    tally.processed = graph.elements.length;
    tally.expected = graph.elements.filter(isBuildable).length;
  });
  memory?.save(graph.elements, (element) => graph.keys.of(element));
  context.atEnd(() => index.save());

  const strict = globals.strict ?? config.isStrict(graph.project.name);
  const states = new ElementStates(graph.keys, caches.artifacts, caches.sources, {
    strict,
    keyLength: reporter.settings.keyLength,
    ...(options.retryFailed !== undefined && {
      retryFailed: options.retryFailed || config.build.retryFailed,
      onDiscard: (element, { strongKey }, reason) =>
        reporter.emit({
          type: "info",
          task: "main",
          element: element.fullName,
          text: "Discarded failed build",
          detail: `Discarded '${strongKey}' ${reason}.`,
        }),
    }),
  });
  const targets = graph.targets.slice(0, names.length);
  const { servers, furtherProjects = [] } = options;
  const tools = { config, events: reporter, signal };
  const remotes = servers && (await connectRemotes(tools, graph.project.session.projects, furtherProjects, servers));
  const bench: Workbench = {
    config,
    caches,
    graph,
    states,
    events: reporter,
    signal,
    strict,
    workspaces,
    ...(remotes !== undefined && { remotes }),
    targets:
      options.skipDefaultJunctions && options.targets.length === 0
        ? targets.filter(({ kind }) => kind !== "junction")
        : targets,
    excepted: graph.targets.slice(names.length),
  };
  if (!context.interactive || globals.onError !== undefined) return bench;
  const { FailureQuestions } = await import("./failure-questions.ts");
  const questions = new FailureQuestions(context, bench);
  return { ...bench, askAfterFailure: (failure) => questions.ask(failure) };
}

/** Junctions are loaded on the way; progress counts what remains. */
function isBuildable({ kind }: Element): boolean {
  return kind !== "junction";
}

/**
 * The folder of the project at or above a folder, and the element whose workspace that folder is, if it is one.
 * @throws BstError domain stream, reason project-not-loaded, where there is none
 */
export function findProject(start: string): { directory: string; workspaceElement: string | undefined } {
  for (let directory = resolve(start); ; directory = dirname(directory)) {
    if (existsSync(join(directory, PROJECT_CONF))) return { directory, workspaceElement: undefined };
    if (existsSync(join(directory, WORKSPACE_CONF))) return workspaceProject(directory);
    if (directory === dirname(directory)) break;
  }
  throw new BstError("stream", `There is no ${PROJECT_CONF} in ${start} or above it`, {
    reason: "project-not-loaded",
    detail: "Run the program in a project, or name one with -C. To begin a new project: bst-ts init",
  });
}

function defaultTargets(project: Project, workspaceElement: string | undefined): readonly string[] {
  if (workspaceElement !== undefined) return [workspaceElement];
  return project.defaultTargets.length > 0 ? project.defaultTargets : project.allElements();
}
