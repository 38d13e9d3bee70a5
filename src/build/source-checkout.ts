/** The sources of elements as they are checked out: a folder for each element, in those of the junctions that lead to it. */
import { posix } from "node:path";
import { normalNameOf } from "../artifact/refs.ts";
import { BstError } from "../base/errors.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import type { Element } from "../project/element.ts";
import type { Project } from "../project/project.ts";
import { allScript, elementScript, type ScriptedElement } from "./build-scripts.ts";
import type { ElementStates } from "./states.ts";

export interface SourceCheckoutOptions {
  /** Whether scripts are added that build the elements, each on top of those before. */
  readonly buildScripts: boolean;
}

/** @throws BstError domain stream, where the sources of an element are not in the cache */
export function sourceTree(
  cas: Cas,
  elements: readonly Element[],
  states: ElementStates,
  { buildScripts }: SourceCheckoutOptions,
): Tree {
  const root = new Tree(cas);
  for (const element of elements) {
    if (element.sources.length === 0) continue;
    const sources = states.stagedSources(element);
    if (sources === undefined) throw new BstError("stream", `The sources of ${element.fullName} are not in the cache`);
    root.makeDirectory(directoryOf(element)).importTree(sources);
  }
  if (buildScripts) addScripts(root, elements);
  return root;
}

/** Below the folder that is checked out to. */
function directoryOf({ normalName, project }: Element): string {
  const parts = [normalName];
  for (let each: Project | undefined = project; each?.junction !== undefined; each = each.parent) {
    parts.unshift(normalNameOf(each.junction.name));
  }
  return posix.join(...parts);
}

function addScripts(root: Tree, elements: readonly Element[]): void {
  const scripted = elements.flatMap((element): ScriptedElement[] => {
    const commands = element.behaviour.script?.();
    return commands === undefined ? [] : [{ element, commands, directory: directoryOf(element) }];
  });
  const add = (name: string, text: string) => root.addFile(name, root.cas.write(text), { executable: true });
  for (const each of scripted) add(`build-${each.element.normalName}`, elementScript(each));
  add("build.sh", allScript(scripted));
}
