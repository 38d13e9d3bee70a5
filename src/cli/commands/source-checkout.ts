/** `source checkout`: copies the sources of elements to a folder or an archive. */
import { resolve } from "node:path";
import { checkoutDirectory, checkoutTar, prepareDirectory, prepareFile } from "../../artifact/checkout.ts";
import { BstError } from "../../base/errors.ts";
import { assertFetched } from "../../build/consistency.ts";
import { fetchElements, isFetched } from "../../build/fetch.ts";
import { except, select } from "../../build/selection.ts";
import { sourceTree } from "../../build/source-checkout.ts";
import type { Run } from "../app.ts";
import { EXIT } from "../failure.ts";
import { sourceServers } from "../servers.ts";
import { findProject, openWorkbench } from "../workbench.ts";

const DEFAULT_DIRECTORY = "source-checkout";

export const run: Run<"source checkout"> = async (context, options) => {
  const { tar, compression, force } = options;
  if (tar !== undefined && options.directory !== DEFAULT_DIRECTORY) {
    context.printError("ERROR: options --directory and --tar conflict");
    return EXIT.failure;
  }
  if (tar === undefined && compression !== undefined) {
    context.printError("ERROR: --compression specified without --tar");
    return EXIT.failure;
  }
  const target = options.element ?? findProject(context.directory).workspaceElement;
  if (target === undefined) throw new BstError("app", 'Missing argument "ELEMENT".');
  const location = resolve(context.cwd, tar ?? options.directory);
  if (tar === undefined) prepareDirectory(location, force);
  else prepareFile(location, force);

  const bench = await openWorkbench(context, {
    targets: [target],
    except: options.except,
    servers: { sources: sourceServers(options) },
  });
  const { targets, excepted, caches, states, signal, events } = bench;
  const elements = except(targets, select(targets, options.deps), excepted);
  await fetchElements(bench, targets, elements, { announce: false });
  assertFetched(elements, (element) => isFetched(bench, element));
  try {
    const { cas } = caches;
    const tree = sourceTree(cas, elements, states, { buildScripts: options.includeBuildScripts }).digest();
    if (tar === undefined) checkoutDirectory(cas, tree, location, false);
    else await checkoutTar(cas, tree, location, { compression, prefix: "", signal });
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    const { message, reason, detail } = error;
    throw new BstError("stream", `Error while writing sources: ${message}`, { reason, detail, cause: error });
  }
  events.emit({ type: "info", text: `Checked out sources to '${location}'` });
  return undefined;
};
