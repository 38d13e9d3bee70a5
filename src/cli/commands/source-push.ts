/** `source push`: sends the sources of elements to servers. */
import { except, select } from "../../build/selection.ts";
import { pushSources } from "../../build/source-push.ts";
import type { Run } from "../app.ts";
import { sourceServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"source push"> = async (context, options) => {
  await runSession(context, "Push", async () => {
    const bench = await openWorkbench(context, {
      targets: options.elements,
      except: options.except,
      servers: { sources: sourceServers(options) },
    });
    const { targets, excepted } = bench;
    await pushSources(bench, targets, except(targets, select(targets, options.deps), excepted));
  });
  return undefined;
};
