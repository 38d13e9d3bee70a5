/** What a source kind gets to work with while it fetches, tracks and stages, and the steps over all sources of an element. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import type { Messenger } from "../base/messages.ts";
import { inTree } from "../base/paths.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import type { Element } from "../project/element.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { type ElementSource, mirrorDirectory, warn } from "../project/sources.ts";

export interface SourceTools {
  readonly cas: Cas;
  readonly messenger: Messenger;
  readonly signal: AbortSignal;
  /** Where trees of single sources are kept; without it, sources are fetched and staged as they are. */
  readonly staged?: StagedSources;
}

/** Trees of single sources, of those that don't need the sources before them. */
export interface StagedSources {
  find(source: ElementSource): Digest | undefined;
  put(source: ElementSource, tree: Digest): void;
  /** From a server, if one has it. */
  pull(source: ElementSource): Promise<Digest | undefined>;
}

export function sourceIo(
  element: Element,
  { definition }: ElementSource,
  tools: SourceTools,
  previous?: Tree,
): SourceIo {
  const { cas, messenger, signal } = tools;
  const about = { element: element.fullName };
  let directory: string | undefined;
  return {
    cas,
    signal,
    ...(previous !== undefined && { previous }),
    get mirrorDirectory() {
      if (directory === undefined) {
        directory = mirrorDirectory(element.project, definition.kind);
        mkdirSync(directory, { recursive: true });
      }
      return directory;
    },
    info: (text, detail) => messenger.emit({ type: "info", text, ...about, ...(detail !== undefined && { detail }) }),
    warn: (text, options) => warn(element, text, options),
    activity: async (text, step) => activity(messenger, text, async () => step(), about),
  };
}

/** Whether everything that staging needs is on this machine. */
export function areOriginalsCached(element: Element): boolean {
  return element.sources.every(({ source, definition }) =>
    source.isCached({ mirrorDirectory: mirrorDirectory(element.project, definition.kind) }),
  );
}

/** Fetches what is missing of an element's sources, or of those before one. */
export async function fetchOriginals(element: Element, tools: SourceTools, stop?: ElementSource): Promise<void> {
  for (const each of element.sources) {
    if (each === stop) break;
    const io = sourceIo(element, each, tools);
    if (each.source.isCached(io) || (await isStaged(each, tools.staged))) continue;
    if (!each.definition.needsPrevious?.fetch) {
      await each.source.fetch(io);
    } else {
      await each.source.fetch(sourceIo(element, each, tools, await stageBefore(element, each, tools)));
    }
  }
}

/** Whether there is a tree of a source, on this machine or on a server. */
async function isStaged(each: ElementSource, staged: StagedSources | undefined): Promise<boolean> {
  if (staged === undefined || !standsAlone(each)) return false;
  if (staged.find(each) !== undefined) return true;
  const pulled = await staged.pull(each);
  if (pulled !== undefined) staged.put(each, pulled);
  return pulled !== undefined;
}

/** Whether what is staged of a source does not follow from those before it. */
export function standsAlone({ definition: { needsPrevious } }: ElementSource): boolean {
  return !needsPrevious?.fetch && !needsPrevious?.stage;
}

/** The tree of an element's sources, each in its directory, later ones over earlier ones. */
export async function stageSources(element: Element, tools: SourceTools): Promise<Digest> {
  return (await stageBefore(element, undefined, tools)).digest();
}

/** The tree of the sources before one, as that sees it: below its own directory. */
export async function stageBefore(
  element: Element,
  stop: ElementSource | undefined,
  tools: SourceTools,
): Promise<Tree> {
  const root = new Tree(tools.cas);
  for (const each of element.sources) {
    if (each === stop) break;
    try {
      await stageOne(element, each, directoryOf(root, each), tools);
    } catch (error) {
      if (!(error instanceof BstError) || error.domain !== "virtual-fs") throw error;
      throw new BstError("element", `The sources of ${element.name} cannot be staged: ${error.message}`, {
        reason: "stage-sources-fail",
        cause: error,
      });
    }
  }
  return stop === undefined ? root : directoryOf(root, stop);
}

async function stageOne(element: Element, each: ElementSource, to: Tree, tools: SourceTools): Promise<void> {
  const { staged, cas } = tools;
  const io = sourceIo(element, each, tools);
  if (staged === undefined || !standsAlone(each)) {
    await each.source.stage(to, io);
    return;
  }
  let tree = staged.find(each);
  if (tree === undefined) {
    const alone = new Tree(cas);
    await each.source.stage(alone, io);
    tree = alone.digest();
    staged.put(each, tree);
  }
  to.importTree(tree);
}

/** Writes an element's sources into an empty folder, to be worked in. */
export async function writeWorkspace(
  element: Element,
  directory: string,
  tools: SourceTools,
  write: (tree: Digest, to: string) => void,
) {
  for (const each of element.sources) {
    const target = each.directory === undefined ? directory : join(directory, each.directory);
    mkdirSync(target, { recursive: true });
    const io = sourceIo(element, each, tools);
    if (each.source.initWorkspace !== undefined) {
      await each.source.initWorkspace(target, io);
    } else {
      const tree = new Tree(tools.cas);
      await each.source.stage(tree, io);
      write(tree.digest(), target);
    }
  }
}

function directoryOf(root: Tree, { directory }: ElementSource): Tree {
  return directory === undefined ? root : root.openDirectory(inTree(directory), { create: true });
}
