/** `workspace list`: the open workspaces, as YAML. */
import { emitYaml } from "../../yaml/emit.ts";
import type { Run } from "../app.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"workspace list"> = async (context) => {
  const { workspaces } = await openWorkbench(context, { targets: [], withoutDefaults: true });
  const list = workspaces.names().map((element) => ({ element, directory: workspaces.find(element)?.path ?? "" }));
  context.print(emitYaml({ workspaces: list }).trimEnd());
  return undefined;
};
