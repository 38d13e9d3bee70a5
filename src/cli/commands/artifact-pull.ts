/** `artifact pull`: gets artifacts from servers. */
import { BstError } from "../../base/errors.ts";
import { assertResolved } from "../../build/consistency.ts";
import type { Run } from "../app.ts";
import { openArtifacts } from "../artifacts.ts";
import { artifactServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { pullSubjects } from "../transfers.ts";

export const run: Run<"artifact pull"> = async (context, options) => {
  await runSession(context, "Pull", async () => {
    const bench = await openArtifacts(context, options.artifacts, {
      selection: options.deps,
      servers: artifactServers(options),
      pullsNamed: true,
      usesDefaults: true,
    });
    if (!bench.tools.remotes?.artifacts.canPull)
      throw new BstError("stream", "There is no server that artifacts could be pulled from");
    assertResolved(
      bench.subjects.flatMap(({ element }) => element ?? []),
      bench.workbench?.graph.keys,
    );
    await pullSubjects(bench, bench.subjects);
  });
  return undefined;
};
