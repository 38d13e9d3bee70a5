/** `workspace reset`: undoes all that was done in workspaces, or only what is remembered of their builds. */
import { BstError } from "../../base/errors.ts";
import { sourceElements } from "../../build/redirect.ts";
import { openWorkspaces } from "../../build/workspaces.ts";
import { Workspaces } from "../../project/workspaces.ts";
import type { CommandContext, Run } from "../app.ts";
import { findProject, openWorkbench } from "../workbench.ts";

export const run: Run<"workspace reset"> = async (context, options) => {
  const { workspaces, targets } = await openWorkbench(context, { targets: resetTargets(context, options) });
  const names = sourceElements(targets, context.reporter).map(({ fullName }) => fullName);
  const missing = names.filter((name) => workspaces.find(name) === undefined);
  if (missing.length > 0) throw new BstError("stream", "Workspace does not exist", { detail: missing.join("\n") });
  if (options.soft) {
    for (const name of names) {
      workspaces.setLastBuild(name, undefined);
      const text = `Reset workspace state for ${name} at: ${workspaces.find(name)?.path}`;
      context.reporter.emit({ type: "info", text });
    }
    return undefined;
  }
  const bench = await openWorkbench(context, { targets: names, ownSources: new Set(names) });
  const opened = bench.targets.map((element) => ({
    element,
    directory: workspaces.find(element.fullName)?.path ?? "",
  }));
  await openWorkspaces(bench, opened, { checkout: true, force: true });
  return undefined;
};

function resetTargets(
  context: CommandContext,
  { all, elements }: { readonly all: boolean; readonly elements: readonly string[] },
): readonly string[] {
  if (all && elements.length > 0) throw new BstError("app", "Specify either --all or elements, not both");
  if (elements.length > 0) return elements;
  const { directory, workspaceElement } = findProject(context.directory);
  if (!all) {
    if (workspaceElement === undefined) throw new BstError("app", "No elements specified to reset");
    return [workspaceElement];
  }
  const names = new Workspaces(directory).names();
  if (names.length === 0) throw new BstError("app", "No open workspaces to reset");
  return names;
}
