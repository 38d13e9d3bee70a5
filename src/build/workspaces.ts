/** Opens, closes and resets workspaces: folders with the sources of elements, to be worked in. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import { makeFolders } from "../base/folders.ts";
import type { Messenger } from "../base/messages.ts";
import { materialise } from "../cas/materialise.ts";
import type { Element } from "../project/element.ts";
import { warn } from "../project/sources.ts";
import { WORKSPACE_CONF, type Workspaces } from "../project/workspaces.ts";
import { fetchElements } from "./fetch.ts";
import type { Session } from "./session.ts";
import { type SourceTools, writeWorkspace } from "./source-io.ts";

/** An element, with its own sources, and the folder that becomes its workspace. */
export interface NewWorkspace {
  readonly element: Element;
  /** Absolute path. */
  readonly directory: string;
}

export interface OpenOptions {
  /** Whether the sources are put into the folders, or what is there is used as it is. */
  readonly checkout: boolean;
  /** Whether folders with content may be used, which loses that, and workspaces that are open replaced. */
  readonly force: boolean;
}

/**
 * Opens workspaces, once it is sure that all of them can be.
 * @throws BstError domain stream, with reasons bad-directory and workspace-directory-failure among others
 */
export async function openWorkspaces(
  session: Session,
  opened: readonly NewWorkspace[],
  { checkout, force }: OpenOptions,
): Promise<void> {
  const { workspaces, caches, events, signal } = session;
  const elements = opened.map(({ element }) => element);
  if (checkout) await fetchElements(session, elements, elements, { originals: true, announce: false });
  for (const { element, directory } of opened) {
    assertSources(element);
    const known = workspaces.find(element.fullName);
    if (known !== undefined && !force) {
      throw new BstError("stream", `The element '${element.name}' has an open workspace already: ${known.path}`);
    }
    if (directory !== known?.path) assertDirectory(element, directory, force || !checkout);
  }
  const tools: SourceTools = { cas: caches.cas, messenger: events, signal };
  for (const [i, { element, directory }] of opened.entries()) {
    events.emit({ type: "status", text: `Creating workspace for element ${element.name}` });
    if (checkout && workspaces.find(element.fullName) !== undefined) replaceWorkspace(element, directory, workspaces);
    try {
      makeFolders(directory);
    } catch (error) {
      const rest = opened.slice(i + 1).map(({ element }) => element.name);
      throw new BstError("stream", `The folder of a workspace cannot be made: ${messageOf(error)}`, {
        reason: "workspace-directory-failure",
        cause: error,
        ...(rest.length > 0 && { detail: `No workspaces were created for ${rest.join(" ")}` }),
      });
    }
    if (checkout) {
      const text = `Staging sources to ${directory}`;
      await activity(events, text, () => checkOut(element, directory, tools), { element: element.fullName });
    }
    if (workspaces.open(element.fullName, directory) && checkout) {
      warn(element, `${WORKSPACE_CONF} was staged from this element's sources`);
    }
    events.emit({ type: "info", text: `Created a workspace for element ${element.fullName}` });
  }
}

function assertSources(element: Element): void {
  if (element.sources.length > 0) return;
  const dependencies = element.buildDependencies.map(({ name }) => name);
  throw new BstError("stream", `The element ${element.name} has no sources`, {
    ...(dependencies.length > 0 && {
      detail: `Try opening a workspace on one of its dependencies instead:\n${dependencies.join("\n")}`,
    }),
  });
}

function assertDirectory({ name }: Element, directory: string, mayHaveContent: boolean): void {
  if (!existsSync(directory)) return;
  const problem = !statSync(directory).isDirectory()
    ? "is no folder"
    : !mayHaveContent && readdirSync(directory).length > 0
      ? "is not empty"
      : undefined;
  if (problem === undefined) return;
  throw new BstError("stream", `The workspace for '${name}' cannot be opened: ${directory} ${problem}`, {
    reason: "bad-directory",
  });
}

/** Leaves the element without a workspace; what was in that is gone where it was in another folder. */
function replaceWorkspace(element: Element, directory: string, workspaces: Workspaces): void {
  const { fullName } = element;
  const before = workspaces.find(fullName)?.path;
  if (before === undefined) return;
  warn(element, `Replacing the workspace of '${element.name}' in ${before}`);
  workspaces.close(fullName);
  if (before !== directory) rmSync(before, { recursive: true, force: true });
}

/** Puts the sources into a folder, in the place of all that is there; that stays until the sources are written whole. */
async function checkOut(element: Element, directory: string, tools: SourceTools): Promise<void> {
  // In the folder itself, to be on the same file system.
  const temporary = join(directory, `.bst-ts-${randomBytes(6).toString("hex")}`);
  const before = readdirSync(directory);
  try {
    mkdirSync(temporary);
    await writeWorkspace(element, temporary, tools, (tree, to) => {
      materialise(tools.cas, tree, to, { mode: "copy", overwrite: true });
    });
    for (const name of before) rmSync(join(directory, name), { recursive: true, force: true });
    for (const name of readdirSync(temporary)) renameSync(join(temporary, name), join(directory, name));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @throws BstError domain stream, where the folder shall be removed and can't be */
export function closeWorkspace(
  workspaces: Workspaces,
  element: string,
  removeDirectory: boolean,
  messenger: Messenger,
): void {
  const workspace = workspaces.find(element);
  if (workspace !== undefined && removeDirectory) {
    activity(messenger, `Removing workspace directory ${workspace.path}`, () => {
      try {
        rmSync(workspace.path, { recursive: true });
      } catch (error) {
        throw new BstError("stream", `Could not remove '${workspace.path}': ${messageOf(error)}`, { cause: error });
      }
    });
  }
  workspaces.close(element);
  messenger.emit({ type: "info", text: `Closed workspace for ${element}` });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
