/** `source track`: looks for newer versions of sources, and writes their refs to the project. */
import { trackElements, trackedElements } from "../../build/track.ts";
import type { Run } from "../app.ts";
import { runSession } from "../session.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"source track"> = async (context, options) => {
  const { deps: selection, crossJunctions } = options;
  await runSession(context, "Track", async () => {
    const bench = await openWorkbench(context, { targets: options.elements, except: options.except });
    const { targets, excepted } = bench;
    const elements = trackedElements(bench, targets, { selection, excepted, crossJunctions });
    await trackElements(bench, targets, elements);
  });
  return undefined;
};
