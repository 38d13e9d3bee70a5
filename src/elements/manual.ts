/** Kind `manual`: builds sources by the commands of its configuration, step by step. */
import type { KeyValue } from "../base/json.ts";
import { inTree, joinPath } from "../base/paths.ts";
import { record, text, textList } from "../base/schema.ts";
import type { DependencyFacts, ElementKind } from "../project/element-kind.ts";
import { Layout } from "./layout.ts";

const STEPS = ["configure-commands", "build-commands", "install-commands", "strip-commands"] as const;
/** In a workspace, this file in the build root says that the configure commands have run. */
const CONFIGURED_MARKER = ".bst-prepared";

export const manual: ElementKind = {
  kind: "manual",
  schema: record(Object.fromEntries(STEPS.map((step) => [step, textList]))),
  dependencyConfig: record({ location: text, "digest-environment": text }),
  defaults: {
    config: {
      "configure-commands": [],
      "build-commands": [],
      "install-commands": [],
      "strip-commands": ["%{strip-binaries}"],
    },
  },
  configure(config, facts) {
    const commands = new Map(STEPS.map((step) => [step, config.strings(step) ?? []]));
    const subdirectory = facts.variable("command-subdir");
    const buildRoot = facts.variable("build-root") ?? "/";
    const installRoot = facts.variable("install-root") ?? "/";
    const layout = new Layout();
    const digests = new Map<string, { element: DependencyFacts; path: string }[]>();
    return {
      configureDependencies(dependencies) {
        for (const dependency of dependencies) {
          const name = dependency.config?.string("digest-environment");
          if (name !== undefined) digests.set(name, [...(digests.get(name) ?? []), dependency]);
          layout.add(dependency);
        }
      },
      uniqueKey() {
        const key: Record<string, KeyValue> = Object.fromEntries(commands);
        if (subdirectory) key["command-subdir"] = subdirectory;
        if (facts.variable("notparallel")) key["notparallel"] = true;
        if (layout.hasOtherLocations) key["layout"] = layout.keyFields();
        if (digests.size > 0) {
          // Spelt so in every key that there is.
          key["digest-enviornment"] = Object.fromEntries(
            [...digests].map(([name, elements]) => [name, elements.map(({ path }) => path)]),
          );
        }
        return key;
      },
      sandbox: () => ({
        workDirectory: subdirectory ? joinPath(buildRoot, subdirectory) : buildRoot,
        writable: [buildRoot, installRoot],
        digestVariables: new Map([...digests].map(([name, all]) => [name, all.map(({ element }) => element)])),
      }),
      script: () => STEPS.flatMap((step) => commands.get(step) ?? []),
      async stage(io) {
        await layout.stage(io);
        io.stageSources(buildRoot);
      },
      async assemble(io) {
        const marker = joinPath(buildRoot, CONFIGURED_MARKER);
        const isConfigured = io.isWorkspaced && io.root.exists(inTree(marker));
        const lines = STEPS.flatMap((step) => {
          const own = commands.get(step) ?? [];
          if (step !== "configure-commands" || own.length === 0 || !io.isWorkspaced) return own;
          return isConfigured ? [] : [...own, `touch '${marker}'`];
        });
        await io.run(lines, { readOnlyRoot: true });
        return installRoot;
      },
    };
  },
};
