/** Kind `script`: runs commands over staged dependencies, and keeps what they leave in the install root. */
import { bool, record, text, textList } from "../base/schema.ts";
import { LAYER_VERSION } from "../oci/assemble.ts";
import type { BuildIo, ElementKind } from "../project/element-kind.ts";
import { basesBehind } from "./bases.ts";
import { buildOci } from "./build-oci.ts";
import { commitKey, warnOfNoCommit } from "./commit.ts";
import type { Layout } from "./layout.ts";
import { Script, scriptElementShape } from "./script-element.ts";

export const script: ElementKind = {
  ...scriptElementShape,
  kind: "script",
  schema: record({ commands: textList, "root-read-only": bool, "build-oci": bool, "vcs-annotations": bool }),
  dependencyConfig: record({ location: text }),
  defaults: { variables: { cwd: "/" }, config: { "root-read-only": "False", commands: [] } },
  configure(config, facts) {
    const buildsImages = config.bool("build-oci") ?? false;
    const describesCommit = config.bool("vcs-annotations") ?? false;
    if (describesCommit && !buildsImages) {
      throw config.scalar("vcs-annotations")?.error("Only scripts with 'build-oci: True' can have 'vcs-annotations'");
    }
    const checkout = describesCommit ? facts.checkout() : undefined;
    const serve = (io: BuildIo) => {
      if (describesCommit) warnOfNoCommit(io, checkout);
      return buildOci(io, { project: facts.projectName, layout: script.layout, checkout });
    };
    const script: Script = new Script(facts, {
      readOnlyRoot: config.bool("root-read-only") ?? false,
      served: buildsImages ? serve : undefined,
    });
    script.commands.set("commands", config.strings("commands") ?? []);
    const behaviour = script.behaviour();
    return {
      ...behaviour,
      // BuildStream has no such keys: without them, the fields are BuildStream's.
      uniqueKey: () => ({
        ...behaviour.uniqueKey(),
        ...(buildsImages && { "build-oci": LAYER_VERSION, bases: basesByFolder(script.layout) }),
        ...(describesCommit && { "vcs-annotations": true }),
        ...(checkout !== undefined && { checkout: commitKey(checkout) }),
      }),
      configureDependencies(dependencies) {
        for (const dependency of dependencies) script.layout.add(dependency);
      },
    };
  },
};

/** By which images that the script makes may be divided; what it describes is known only when it runs. */
function basesByFolder(layout: Layout): Record<string, string[]> {
  const folders = [...layout.folders()].map(([path, elements]) => [path, [...basesBehind(elements)].sort()] as const);
  return Object.fromEntries(folders.filter(([, bases]) => bases.length > 0));
}
