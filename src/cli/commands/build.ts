/** `build`: makes the artifacts of elements. */
import { buildTargets } from "../../build/build.ts";
import type { Run } from "../app.ts";
import { artifactServers, sourceServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"build"> = async (context, options) => {
  await runSession(context, "Build", async () => {
    const bench = await openWorkbench(context, {
      targets: options.elements,
      retryFailed: options.retryFailed,
      skipDefaultJunctions: true,
      storesLocal: true,
      servers: { artifacts: artifactServers(options), sources: sourceServers(options) },
    });
    await buildTargets(bench, bench.targets, options.deps ?? bench.config.build.dependencies);
  });
  return undefined;
};
