/** What the commands on artifacts work on: elements of the project, and artifacts named as they are in the cache. */
import type { ArtifactRecord } from "../artifact/record.ts";
import { type ArtifactName, formatRef, normalNameOf, parseRef } from "../artifact/refs.ts";
import type { ArtifactStore } from "../artifact/store.ts";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import type { DisplayKey } from "../base/messages.ts";
import { type Selection, select } from "../build/selection.ts";
import type { Caches } from "../build/session.ts";
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
  /** What the user named. */
  readonly targets: readonly Subject[];
  /** These with, or of these, the dependencies that were asked for, in staging order. */
  readonly subjects: readonly Subject[];
}

/** Full name of an element, or the name of an artifact. */
export function nameOf({ element, refs }: Subject): string {
  return element?.fullName ?? refs[0] ?? "";
}

export function warnOfMissing({ reporter }: CommandContext, { element, refs }: Subject): void {
  reporter.emit({ type: "warn", text: `${refs[0] ?? element?.fullName} is not cached` });
}

/** The project is loaded only where elements are among the words. */
export async function openArtifacts(
  context: CommandContext,
  targets: readonly string[],
  selection: Selection = "none",
): Promise<ArtifactBench> {
  const { reporter } = context;
  const words = classifyTargets(targets);
  const workbench = words.elements.length > 0 ? await openWorkbench(context, { targets: words.elements }) : undefined;
  const { caches } = workbench ?? openBench(context);
  const store = caches.artifacts;
  const artifacts = expandArtifacts(words.artifacts, store, reporter).flatMap((ref) => parseRef(ref) ?? []);
  if (artifacts.length > 0 && (selection === "run" || selection === "all")) {
    throw new BstError("stream", `'--deps ${selection}' is for elements, not for names of artifacts`, {
      reason: "deps-not-supported",
      detail: "An artifact knows what it was built from, and not what it needs to run.",
    });
  }

  return activity(reporter, "Query cache", () => {
    const ofElements = (elements: readonly Element[]) =>
      workbench === undefined ? [] : elements.map((element) => elementSubject(workbench, element));
    const elements = workbench?.targets ?? [];
    const named = unique(artifacts.map((name) => artifactSubject(store, name)));
    const further = selection === "build" ? unique(named.flatMap((subject) => buildDeps(store, subject))) : named;
    return {
      caches,
      targets: [...ofElements(elements), ...named],
      subjects: [...ofElements(select(elements, selection)), ...further],
    };
  });
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
