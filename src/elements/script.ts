/** Kind `script`: runs commands over staged dependencies, and keeps what they leave in the install root. */
import { bool, record, text, textList } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { buildOci } from "./build-oci.ts";
import { Script, scriptElementShape } from "./script-element.ts";

export const script: ElementKind = {
  ...scriptElementShape,
  kind: "script",
  schema: record({ commands: textList, "root-read-only": bool, "build-oci": bool }),
  dependencyConfig: record({ location: text }),
  defaults: { variables: { cwd: "/" }, config: { "root-read-only": "False", commands: [] } },
  configure(config, facts) {
    const buildsImages = config.bool("build-oci") ?? false;
    const script: Script = new Script(facts, {
      readOnlyRoot: config.bool("root-read-only") ?? false,
      served: buildsImages ? (io) => buildOci(io, script.layout) : undefined,
    });
    script.commands.set("commands", config.strings("commands") ?? []);
    const behaviour = script.behaviour();
    return {
      ...behaviour,
      // BuildStream has no such key: without it, the fields are BuildStream's.
      uniqueKey: () => ({ ...behaviour.uniqueKey(), ...(buildsImages && { "build-oci": true }) }),
      configureDependencies(dependencies) {
        for (const dependency of dependencies) script.layout.add(dependency);
      },
    };
  },
};
