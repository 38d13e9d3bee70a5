/** Checks of public data that kinds of this folder read when they build, so that mistakes are found when loading. */
import { checkDeclarations } from "../oci/declared.ts";
import type { Kinds } from "../project/session.ts";
import { changesOf, DECLARED } from "./origins.ts";

export const publicDataChecks: Kinds["publicData"] = new Map([
  [
    DECLARED,
    (data) => {
      checkDeclarations(data);
      changesOf(data);
    },
  ],
]);
