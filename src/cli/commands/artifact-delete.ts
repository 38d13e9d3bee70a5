/** `artifact delete`: removes artifacts from the cache, under all of their names. */
import { BstError } from "../../base/errors.ts";
import type { Run } from "../app.ts";
import { openArtifacts } from "../artifacts.ts";

export const run: Run<"artifact delete"> = async (context, { artifacts, deps }) => {
  const { reporter } = context;
  const { caches, subjects } = await openArtifacts(context, artifacts, { selection: deps });
  let isAnyRemoved = false;
  for (const ref of new Set(subjects.flatMap(({ refs }) => refs))) {
    try {
      caches.artifacts.remove(ref);
    } catch (error) {
      if (!(error instanceof BstError)) throw error;
      reporter.emit({ type: "warn", text: error.message });
      continue;
    }
    isAnyRemoved = true;
    reporter.emit({ type: "info", text: `Removed: ${ref}` });
  }
  if (!isAnyRemoved) reporter.emit({ type: "info", text: "Nothing was removed" });
  return undefined;
};
