/** `build`: makes the artifacts of elements. */
import { BstError } from "../../base/errors.ts";
import { buildTargets } from "../../build/build.ts";
import type { Run } from "../app.ts";
import { artifactServers, sourceServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"build"> = async (context, options) => {
  const open = () =>
    openWorkbench(context, {
      targets: options.elements,
      retryFailed: options.retryFailed,
      skipDefaultJunctions: true,
      storesLocal: !options.dryRun,
      servers: { artifacts: artifactServers(options), sources: sourceServers(options) },
    });
  if (options.dryRun) {
    const { dryRun } = await import("../dry-run.ts");
    const bench = await open();
    await dryRun(context, bench, options.deps ?? bench.config.build.dependencies, options);
    return undefined;
  }
  if (options.json || options.showCommands) {
    throw new BstError("app", "'--json' and '--show-commands' are for '--dry-run'");
  }
  await runSession(context, "Build", async () => {
    const bench = await open();
    await buildTargets(bench, bench.targets, options.deps ?? bench.config.build.dependencies);
  });
  return undefined;
};
