/** `workspace list`: the open workspaces, as YAML. */
import { Workspaces } from "../../project/workspaces.ts";
import { emitYaml } from "../../yaml/emit.ts";
import type { Run } from "../app.ts";
import { findProject } from "../workbench.ts";

export const run: Run<"workspace list"> = (context) => {
  const workspaces = new Workspaces(findProject(context.directory).directory);
  const list = workspaces.names().map((element) => ({ element, directory: workspaces.find(element)?.path ?? "" }));
  context.print(emitYaml({ workspaces: list }).trimEnd());
  return undefined;
};
