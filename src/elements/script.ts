/** Kind `script`: runs commands over staged dependencies, and keeps what they leave in the install root. */
import { bool, record, text, textList } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { Script, scriptElementShape } from "./script-element.ts";

export const script: ElementKind = {
  ...scriptElementShape,
  kind: "script",
  schema: record({ commands: textList, "root-read-only": bool }),
  dependencyConfig: record({ location: text }),
  defaults: { variables: { cwd: "/" }, config: { "root-read-only": "False", commands: [] } },
  configure(config, facts) {
    const script = new Script(facts, { readOnlyRoot: config.bool("root-read-only") ?? false });
    script.commands.set("commands", config.strings("commands") ?? []);
    return {
      ...script.behaviour(),
      configureDependencies(dependencies) {
        for (const dependency of dependencies) script.layout.add(dependency);
      },
    };
  },
};
