/** What a build would do, without doing any of it: which jobs, in which order, and why each. */
import type { ArtifactRecord } from "../artifact/record.ts";
import { formatRef, parseRef } from "../artifact/refs.ts";
import { isFetched } from "../build/fetch.ts";
import { deepestFirst } from "../build/selection.ts";
import type { Session } from "../build/session.ts";
import { areOriginalsCached } from "../build/source-io.ts";
import { isExact } from "../build/states.ts";
import { isPullPending } from "../build/transfers.ts";
import { dependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";
import { isPullable } from "../remote/artifacts.ts";
import { type PlannedImage, plannedImages } from "./planned-images.ts";

export type Action = "pull" | "fetch" | "build" | "push" | "src-push";

export interface PlannedJob {
  readonly action: Action;
  readonly element: Element;
  readonly why: string;
}

export interface PlannedElement {
  readonly element: Element;
  /** Who asks for it: the user, or what depends on it. */
  readonly neededBy: string;
  readonly jobs: readonly PlannedJob[];
  /** Name of the artifact that the jobs get. */
  readonly artifact: string;
  readonly images: readonly PlannedImage[];
}

export interface Plan {
  /** Those for which there is something to do, each after what it waits for. */
  readonly elements: readonly PlannedElement[];
  /** All that the targets need, and of them those that need no job. */
  readonly needed: ReadonlySet<Element>;
}

/**
 * By the rules of the planner of builds; servers are asked what they have.
 * @param withRuntime whether what the roots need to run is needed as well
 */
export async function planOf(session: Session, roots: readonly Element[], withRuntime: boolean): Promise<Plan> {
  const { states, remotes } = session;
  const needed = new Map<Element, string>();
  const jobs = new Map<Element, PlannedJob[]>();
  const needsRuntime = new Set<Element>();
  const queue = roots.map((element) => ({ element, runtime: withRuntime, by: "it was asked for" }));
  // It grows while it is walked over.
  for (const { element, runtime, by } of queue) {
    if (runtime && !needsRuntime.has(element)) {
      needsRuntime.add(element);
      const why = `${element.fullName} needs it to run`;
      for (const each of element.runtimeDependencies) queue.push({ element: each, runtime: true, by: why });
    }
    if (needed.has(element)) continue;
    needed.set(element, by);
    const mine: PlannedJob[] = [];
    jobs.set(element, mine);
    const add = (action: Action, why: string) => mine.push({ action, element, why });
    const isPulled = isPullPending(session, element) && (await isOnServer(session, element));
    if (isPulled) add("pull", "A server has the artifact");
    else if (!states.isCached(element)) {
      const why = `it is needed to build ${element.fullName}`;
      for (const each of element.buildDependencies) queue.push({ element: each, runtime: true, by: why });
      if (!isFetched(session, element)) add("fetch", whyFetch(element));
      add("build", whyBuild(session, element));
    }
    const isNew = mine.length > 0;
    const what = isNew ? "its artifact" : "the artifact that is in the cache";
    if (remotes?.artifacts.forPushing(element.projectName) && (isNew || states.of(element).artifact)) {
      add("push", `Servers that lack ${what} get it`);
    }
    if (remotes?.sources.forPushing(element.projectName) && arePushed(session, element, mine)) {
      add("src-push", "Servers that lack its sources get them");
    }
  }
  const order = deepestFirst(roots).filter((element) => (jobs.get(element)?.length ?? 0) > 0);
  return {
    needed: new Set(needed.keys()),
    elements: order.map((element) => {
      const mine = jobs.get(element) ?? [];
      const { projectName: project, normalName } = element;
      return {
        element,
        neededBy: needed.get(element) ?? "",
        jobs: mine,
        artifact: formatRef({ project, normalName, key: states.displayKey(element).full }),
        images: mine.some(({ action }) => action === "build") ? plannedImages(element) : [],
      };
    }),
  };
}

async function isOnServer({ states, remotes, signal }: Session, element: Element): Promise<boolean> {
  const { projectName: project, normalName } = element;
  const servers = remotes?.artifacts.forPulling(project);
  if (servers === undefined) return false;
  for (const key of states.keysOf(element)) {
    if (await isPullable({ servers, signal }, { project, normalName, key })) return true;
  }
  return false;
}

function arePushed(session: Session, element: Element, jobs: readonly PlannedJob[]): boolean {
  if (element.sources.length === 0 || element.workspace !== undefined) return false;
  return isFetched(session, element) || jobs.some(({ action }) => action === "fetch");
}

function whyFetch(element: Element): string {
  if (element.sources.length === 0) return "It has no sources; that is noted as well";
  const places = element.sourceInfo().flatMap(({ medium, url }) => (medium === "local" ? [] : [url]));
  if (areOriginalsCached(element)) {
    return `Its sources are ${places.length === 0 ? "in the project" : "downloaded"}, and not yet staged`;
  }
  const from = places.length === 0 ? "" : `: ${places.join(", ")}`;
  return `Its sources are not in the cache${from}`;
}

function whyBuild(session: Session, element: Element): string {
  const { states, caches, strict } = session;
  if (states.hasFailed(element))
    return "Its build failed before, and fails again without being run: see --retry-failed";
  if (states.isDiscarded(element)) return "Its build failed before";
  if (element.workspace !== undefined)
    return `Its workspace has no build of what it holds now: ${element.workspace.path}`;
  const none = `There is no artifact of key ${states.displayKey(element).brief}`;
  const { projectName: project, normalName } = element;
  const last = caches.artifacts.list(formatRef({ project, normalName, key: "*" })).at(-1);
  const name = last === undefined ? undefined : parseRef(last);
  const artifact = name && caches.artifacts.peek(name);
  if (artifact === undefined) return `${none}, nor of any other`;
  const changes = changedDependencies(session, element, artifact);
  if (changes.length === 0) return `${none}; the last one was of another configuration or of other sources`;
  const rule = strict ? "" : isExact(element) ? ", whose files it is made of" : ", and what it says itself may differ";
  return `${none}; the last one was built of other versions of ${changes.join(", ")}${rule}`;
}

/** What an artifact was built of that is another now, or no more. */
function changedDependencies({ states }: Session, element: Element, { buildDeps }: ArtifactRecord): string[] {
  const before = new Map(buildDeps.map((each) => [`${each.projectName} ${each.elementName}`, each.cacheKey]));
  const changed: string[] = [];
  for (const dependency of dependencies(element, "build")) {
    const id = `${dependency.projectName} ${dependency.name}`;
    const key = before.get(id);
    if (key === undefined) changed.push(`${dependency.fullName} (new)`);
    else if (key !== states.of(dependency).key) changed.push(dependency.fullName);
    before.delete(id);
  }
  for (const id of before.keys()) changed.push(`${id.split(" ")[1]} (gone)`);
  return changed;
}
