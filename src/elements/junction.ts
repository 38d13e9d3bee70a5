/** Kind `junction`: a way into another project. Loading it is the engine's work; here is what it looks like. */
import { BstError } from "../base/errors.ts";
import { oneOf, record, text, textMap } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { junctionConfig } from "../project/junction.ts";

export const junction: ElementKind = {
  kind: "junction",
  schema: record({
    path: text,
    options: { type: "object" },
    overrides: textMap,
    aliases: textMap,
    "map-aliases": oneOf("none", "identity"),
  }),
  forbids: ["build-depends", "runtime-depends"],
  configure(config, { name, fullName }) {
    junctionConfig(config, name);
    return {
      uniqueKey: () => 1,
      assemble: () => {
        throw new BstError("pipeline", `${fullName} is a junction, and only the elements behind it can be built`);
      },
    };
  },
};
