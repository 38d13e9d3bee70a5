/** From targets to resolved elements: loads projects and element files, opens junctions, resolves everything. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LoadError } from "../base/errors.ts";
import { assertNoConflicts } from "../project/conflicts.ts";
import { Element } from "../project/element.ts";
import { junctionConfig } from "../project/junction.ts";
import type { LoadElement } from "../project/load-element.ts";
import { dependentsFirst, orderDependencies } from "../project/order.ts";
import { Project } from "../project/project.ts";
import type { JunctionFacts, LoadSession } from "../project/session.ts";
import { warn } from "../project/sources.ts";
import type { Warning } from "../project/traces.ts";
import type { Node } from "../yaml/node.ts";
import type { KeyMemory } from "./key-memory.ts";
import { KeyRing } from "./keys.ts";

/** What a load gives: the targets, and everything that they reach. */
export interface LoadedGraph {
  readonly project: Project;
  readonly targets: readonly Element[];
  /** All elements, each after what it depends on. */
  readonly elements: readonly Element[];
  readonly keys: KeyRing;
}

/** Thrown where loading cannot go on before the sources of a junction are here; the caller stages them and retries. */
export class SubprojectMissing extends Error {
  readonly junction: Element;
  /** Absolute path of the folder that the sources must be staged into. */
  readonly directory: string;

  constructor(junction: Element, directory: string) {
    super(`the sources of the junction ${junction.fullName} are not staged`);
    this.junction = junction;
    this.directory = directory;
  }
}

/**
 * Loads the project of a folder, and resolves targets with all that they depend on.
 * @param targetsOf the names of the targets, once project.conf is read
 * @throws LoadError, BstError of domains element, source and plugin; SubprojectMissing
 */
export function loadGraph(
  common: Omit<LoadSession, "openJunction" | "projects">,
  directory: string,
  targetsOf: (project: Project) => readonly string[],
  memory?: KeyMemory,
): LoadedGraph {
  const keys = new KeyRing(memory);
  let made = 0;
  const resolve = (loaded: LoadElement): Element => {
    loaded.element ??= new Element(loaded, made++, resolve);
    return loaded.element;
  };
  const session: LoadSession = {
    ...common,
    projects: [],
    openJunction: (loaded, asker) => openJunction(loaded, asker, resolve(loaded), keys),
  };

  const project = new Project(session, directory);
  const loaded = project.loader.load(targetsOf(project));
  // In this order, so that neither making nor resolving an element goes deeper than one.
  const all = orderDependencies(loaded).map(resolve);
  const recognised = memory?.recognise(session, all);
  try {
    for (const element of all) {
      if (recognised?.has(element)) repeatWarnings(element, memory?.warningsOf(element) ?? []);
      else element.resolve();
    }
  } catch (error) {
    // Of several faults BuildStream tells the first from above.
    for (const each of dependentsFirst(loaded)) resolve(each).resolve();
    throw error;
  }
  assertNoConflicts(session.projects);
  warnOfRedundantRefs(session, all);
  return { project, targets: loaded.map(resolve), elements: all, keys };
}

function openJunction(loaded: LoadElement, asker: Node | undefined, element: Element, keys: KeyRing): JunctionFacts {
  const weak = keys.of(element)?.weak;
  if (weak === undefined) {
    const where = asker === undefined ? "" : `${asker.provenance}: `;
    throw new LoadError("subproject-inconsistent", `${where}The junction '${loaded.name}' has no ref`, {
      detail: `Try: bst-ts source track ${loaded.name}`,
    });
  }
  const config = junctionConfig(element.config, element.name);
  const [first, second] = element.sources;
  let base = second === undefined ? first?.source.localPath : undefined;
  if (base === undefined) {
    base = join(element.project.directory, ".bst", "staged-junctions", loaded.name, weak);
    if (!existsSync(base)) throw new SubprojectMissing(element, base);
  }
  return { ...config, name: element.name, fullName: element.fullName, directory: join(base, config.path) };
}

/** Where it is resolved after all, it warns no more. */
function repeatWarnings(element: Element, warnings: readonly Warning[]): void {
  if (element.isResolvedYet) return;
  element.traces.isKnown = true;
  for (const { text, options } of warnings) warn(element, text, options);
}

function warnOfRedundantRefs(session: LoadSession, elements: readonly Element[]): void {
  const kept = elements.filter(({ project }) => project.refStorage === "project.refs");
  const redundant = kept.flatMap(({ sources }) => sources.filter((source) => source.redundantRef));
  if (redundant.length === 0) return;
  session.messenger.emit({
    type: "warn",
    text: "Ignoring refs that stand both in the elements and in project.refs",
    detail: redundant.map(({ node }) => node.provenance).join("\n"),
  });
}
