/** What sources have in common whose content is the project's own: nothing to track, fetch or write down. */
import type { Source } from "../project/source-kind.ts";

export const unversioned: Omit<Source, "uniqueKey" | "stage" | "info"> = {
  ref: undefined,
  isResolved: true,
  setRef() {},
  loadRef() {},
  refFields: () => ({}),
  isCached: () => true,
  track: async () => undefined,
  fetch: async () => {},
};
