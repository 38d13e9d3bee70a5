/** What the commands on artifacts work on: elements of the project, and artifacts named as they are in the cache. */
import type { ArtifactRecord } from "../artifact/record.ts";
import { type ArtifactName, formatRef, normalNameOf, parseRef } from "../artifact/refs.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import type { DisplayKey } from "../base/messages.ts";
import { type RunTools, runTasks } from "../build/pipeline.ts";
import { connectRemotes, type RemoteChoice, type RemoteWishes } from "../build/remotes.ts";
import { type Selection, select } from "../build/selection.ts";
import type { Caches } from "../build/session.ts";
import { restoreArtifacts } from "../build/storage.ts";
import { type PullSubject, type PushSubject, pullTask, type TransferSession } from "../build/transfers.ts";
import type { Element } from "../project/element.ts";
import type { CommandContext } from "./app.ts";
import { classifyTargets, expandArtifacts } from "./targets.ts";
import { openBench, openWorkbench, type Workbench } from "./workbench.ts";

export interface Subject {
  /** The element, where the artifact is that of one. */
  readonly element: Element | undefined;
  /** Names of the artifact by its strong and its weak key, as far as these are known. */
  readonly refs: readonly string[];
  /** Undefined where the artifact is not in the cache. */
  readonly record: ArtifactRecord | undefined;
  /** What messages about it say that they are about. */
  readonly about: { readonly element: string; readonly key?: DisplayKey };
}

export interface ArtifactBench {
  readonly caches: Caches;
  /** What pulling and pushing takes. */
  readonly tools: TransferSession & RunTools;
  /** Where elements are among the words. */
  readonly workbench: Workbench | undefined;
  /** What the user named. */
  readonly targets: readonly Subject[];
  /** These with, or of these, the dependencies that were asked for, in staging order. */
  readonly subjects: readonly Subject[];
}

export interface ArtifactOptions {
  readonly selection?: Selection;
  /** The servers that the command uses; without it, nobody is asked. */
  readonly servers?: RemoteChoice;
  /** Whether artifacts that are named are pulled where they are needed to know their dependencies. */
  readonly pullsNamed?: boolean;
  /** Whether nothing said means the default targets, without junctions. */
  readonly usesDefaults?: boolean;
}

/** Full name of an element, or the name of an artifact. */
export function nameOf({ element, refs }: Subject): string {
  return element?.fullName ?? refs[0] ?? "";
}

export function warnOfMissing({ reporter }: CommandContext, { element, refs }: Subject): void {
  reporter.emit({ type: "warn", text: `${refs[0] ?? element?.fullName} is not cached` });
}

/** The project is loaded only where elements are among the words, or there are none. */
export async function openArtifacts(
  context: CommandContext,
  targets: readonly string[],
  options: ArtifactOptions = {},
): Promise<ArtifactBench> {
  const { reporter } = context;
  const { selection = "none", servers, usesDefaults = false } = options;
  const words = classifyTargets(targets);
  const wishes = servers && { artifacts: servers };
  const furtherProjects = words.artifacts.flatMap((word) => word.split("/")[0] ?? []);
  const workbench =
    words.elements.length > 0 || (targets.length === 0 && usesDefaults)
      ? await openWorkbench(context, {
          targets: words.elements,
          servers: wishes,
          furtherProjects,
          skipDefaultJunctions: true,
        })
      : undefined;
  const tools = workbench ?? (await openTools(context, furtherProjects, wishes));
  const { caches } = tools;
  const store = caches.artifacts;
  const artifacts = expandArtifacts(words.artifacts, store, reporter).flatMap((ref) => parseRef(ref) ?? []);
  if (artifacts.length > 0 && (selection === "run" || selection === "all")) {
    throw new BstError("stream", `'--deps ${selection}' is for elements, not for names of artifacts`, {
      reason: "deps-not-supported",
      detail: "An artifact knows what it was built from, and not what it needs to run.",
    });
  }
  if (options.pullsNamed && selection === "build") {
    await pullUnknown(
      tools,
      artifacts.map((name) => artifactSubject(store, name)),
    );
  }

  if (workbench !== undefined) await restoreArtifacts(workbench, select(workbench.targets, selection));
  return activity(reporter, "Query cache", () => {
    const ofElements = (elements: readonly Element[]) =>
      workbench === undefined ? [] : elements.map((element) => elementSubject(workbench, element));
    const elements = workbench?.targets ?? [];
    const named = unique(artifacts.map((name) => artifactSubject(store, name)));
    const further = selection === "build" ? unique(named.flatMap((subject) => buildDeps(store, subject))) : named;
    return {
      caches,
      tools,
      workbench,
      targets: [...ofElements(elements), ...named],
      subjects: [...ofElements(select(elements, selection)), ...further],
    };
  });
}

/** What pulling and pushing takes where there is no project. */
async function openTools(
  context: CommandContext,
  projects: readonly string[],
  wishes: RemoteWishes | undefined,
): Promise<TransferSession & RunTools> {
  const { config, caches } = openBench(context);
  const { reporter: events, signal } = context;
  const remotes = wishes && (await connectRemotes({ config, events, signal }, [], projects, wishes));
  return { config, caches, events, signal, ...(remotes !== undefined && { remotes }) };
}

/** Pulls named artifacts that are not in the cache. */
async function pullUnknown(tools: TransferSession & RunTools, named: readonly Subject[]): Promise<void> {
  const missing = named.filter(({ record }) => record === undefined);
  if (missing.length === 0 || !tools.remotes?.artifacts.canPull) return;
  const summary = { total: missing.length, session: missing.length, changed: [] };
  await runTasks(
    tools,
    undefined,
    () => missing.map((subject) => pullTask(tools, transferSubject(tools, subject))),
    () => summary,
  );
}

/** An artifact that is not that of an element, as jobs take it. */
export function transferSubject(
  { caches, config }: TransferSession,
  { refs: [ref = ""], record, about }: Subject,
): PullSubject & PushSubject {
  const name = parseRef(ref);
  if (name === undefined) throw new Error(`'${ref}' is no name of an artifact`);
  const { project, normalName, key } = name;
  let known = record;
  return {
    name: about.element,
    project,
    normalName,
    element: undefined,
    key: () => ({ full: key, brief: key.slice(0, config.logging.keyLength), strict: true }),
    keys: () => [key],
    take: (pulled) => {
      known = caches.artifacts.find(name) ?? pulled;
      return true;
    },
    record: () => known,
  };
}

export function elementSubject(workbench: Workbench, element: Element): Subject {
  const { key, artifact } = workbench.states.of(element);
  const keys = [key, workbench.graph.keys.of(element)?.weak];
  const { projectName: project, normalName } = element;
  const refs = keys.flatMap((each) => (each === undefined ? [] : [formatRef({ project, normalName, key: each })]));
  const about = { element: element.fullName, key: workbench.states.displayKey(element) };
  return { element, refs: [...new Set(refs)], record: artifact, about };
}

export function artifactSubject(store: ArtifactStore, name: ArtifactName): Subject {
  const record = store.find(name);
  const keys = record === undefined ? [name.key] : [record.strongKey, record.weakKey];
  const refs = [...new Set(keys.map((key) => formatRef({ ...name, key })))];
  return { element: undefined, refs, record, about: { element: name.normalName } };
}

function buildDeps(store: ArtifactStore, { record }: Subject): Subject[] {
  return (record?.buildDeps ?? []).map(({ projectName, elementName, cacheKey }) =>
    artifactSubject(store, { project: projectName, normalName: normalNameOf(elementName), key: cacheKey }),
  );
}

/** An artifact can be named by its strong and by its weak key. */
function unique(subjects: readonly Subject[]): Subject[] {
  return [...new Map(subjects.map((subject) => [nameOf(subject), subject])).values()];
}
