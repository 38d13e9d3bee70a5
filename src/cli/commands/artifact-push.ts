/** `artifact push`: sends artifacts to servers. */
import { BstError } from "../../base/errors.ts";
import { assertResolved } from "../../build/consistency.ts";
import type { Run } from "../app.ts";
import { openArtifacts } from "../artifacts.ts";
import { artifactServers } from "../servers.ts";
import { runSession } from "../session.ts";
import { pushSubjects } from "../transfers.ts";

export const run: Run<"artifact push"> = async (context, options) => {
  await runSession(context, "Push", async () => {
    const bench = await openArtifacts(context, options.artifacts, {
      selection: options.deps,
      servers: artifactServers(options),
      usesDefaults: true,
    });
    if (!bench.tools.remotes?.artifacts.canPush)
      throw new BstError("stream", "There is no server that artifacts could be pushed to");
    assertResolved(
      bench.subjects.flatMap(({ element }) => element ?? []),
      bench.workbench?.graph.keys,
    );
    await pushSubjects(bench, bench.subjects);
  });
  return undefined;
};
