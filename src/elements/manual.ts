/** Kind `manual`: builds sources by the commands of its configuration. */
import type { ElementKind } from "../project/element-kind.ts";
import { buildDefaults, buildElementShape, configureBuild } from "./build-element.ts";

export const manual: ElementKind = {
  ...buildElementShape,
  kind: "manual",
  defaults: buildDefaults({}),
  configure: (config, facts) => configureBuild(config, facts),
};
