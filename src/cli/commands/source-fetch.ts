/** `source fetch`: gets the sources of elements into the cache. */
import { fetchElements } from "../../build/fetch.ts";
import { except, select } from "../../build/selection.ts";
import type { Run } from "../app.ts";
import { sourceServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"source fetch"> = async (context, options) => {
  await runSession(context, "Fetch", async () => {
    const bench = await openWorkbench(context, {
      targets: options.elements,
      except: options.except,
      servers: { sources: sourceServers(options) },
    });
    const { targets, excepted } = bench;
    await fetchElements(bench, targets, except(targets, select(targets, options.deps), excepted));
  });
  return undefined;
};
