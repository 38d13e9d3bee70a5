/** Kind `link`: another name for an element. Loading follows it, so that no link is left to be built. */
import { record, text } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";

export const link: ElementKind = {
  kind: "link",
  schema: record({ target: text }, ["target"]),
  forbids: ["build-depends", "runtime-depends", "sources"],
  configure(_config, { fullName }) {
    return {
      uniqueKey: () => 1,
      assemble: () => {
        throw new Error(`the link ${fullName} was planned to be built`);
      },
    };
  },
};
