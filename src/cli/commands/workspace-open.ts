/** `workspace open`: puts the sources of elements into folders, from which these elements are built then. */
import { join, resolve } from "node:path";
import { BstError } from "../../base/errors.ts";
import { sourceElements } from "../../build/redirect.ts";
import { openWorkspaces } from "../../build/workspaces.ts";
import type { Run } from "../app.ts";
import { sourceServers } from "../servers.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"workspace open"> = async (context, options) => {
  const { force, noCheckout, directory } = options;
  const servers = { sources: sourceServers(options) };
  let bench = await openWorkbench(context, { targets: options.elements, servers });
  let elements = sourceElements(bench.targets, context.reporter);
  if (directory !== undefined && elements.length !== 1) {
    throw new BstError("stream", "With --directory, there must be exactly one element", {
      reason: "directory-with-multiple-elements",
    });
  }
  if (elements.some(({ workspace }) => workspace !== undefined) && force && !noCheckout) {
    // What a workspace is made of are the element's own sources, and not those of the workspace that it has.
    const names = elements.map(({ fullName }) => fullName);
    bench = await openWorkbench(context, { targets: names, ownSources: new Set(names), servers });
    elements = [...bench.targets];
  }
  const { workspaceDirectory } = bench.config;
  const opened = elements.map((element) => ({
    element,
    directory: resolve(context.cwd, directory ?? join(workspaceDirectory, element.name.replace(/\.bst$/, ""))),
  }));
  await openWorkspaces(bench, opened, { checkout: !noCheckout, force });
  return undefined;
};
