/** `workspace close`: forgets workspaces, so that the elements are built from their own sources again. */
import { BstError, LoadError } from "../../base/errors.ts";
import { sourceElements } from "../../build/redirect.ts";
import { closeWorkspace } from "../../build/workspaces.ts";
import { Workspaces } from "../../project/workspaces.ts";
import type { CommandContext, Run } from "../app.ts";
import { findProject, openBench, openWorkbench } from "../workbench.ts";

export const run: Run<"workspace close"> = async (context, { all, elements, removeDir }) => {
  openBench(context);
  const { directory, workspaceElement } = findProject(context.directory);
  const workspaces = new Workspaces(directory);
  if (!all && elements.length === 0 && workspaceElement === undefined)
    throw new BstError("app", "No elements specified");
  const words = elements.length > 0 ? elements : workspaceElement === undefined ? [] : [workspaceElement];
  const names = all ? workspaces.names() : await workspaceNames(context, workspaces, words);
  if (names.length === 0) context.printError("No open workspaces to close");
  const missing = names.filter((name) => workspaces.find(name) === undefined);
  if (missing.length > 0) throw new BstError("app", "Workspace does not exist", { detail: missing.join("\n") });
  for (const name of names) closeWorkspace(workspaces, name, removeDir, context.reporter);
  return undefined;
};

/** Loads no element whose own name has a workspace: it may be gone, or broken. */
async function workspaceNames(
  context: CommandContext,
  workspaces: Workspaces,
  words: readonly string[],
): Promise<string[]> {
  const names = new Set<string>();
  for (const word of words) {
    names.add(workspaces.find(word) === undefined ? await redirected(context, word) : word);
  }
  return [...names];
}

async function redirected(context: CommandContext, word: string): Promise<string> {
  try {
    const { targets } = await openWorkbench(context, { targets: [word] });
    return sourceElements(targets, context.reporter)[0]?.fullName ?? word;
  } catch (error) {
    if (error instanceof LoadError && error.reason === "missing-file") return word;
    throw error;
  }
}
