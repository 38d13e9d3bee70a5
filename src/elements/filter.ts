/** Kind `filter`: the files of one element that belong to the selected split domains. */
import { bool, record, textList } from "../base/schema.ts";
import type { DependencyFacts, ElementKind } from "../project/element-kind.ts";
import { mappingFrom } from "../yaml/node.ts";
import { recordOrigins } from "./origins.ts";

export const filter: ElementKind = {
  kind: "filter",
  schema: record({ include: textList, exclude: textList, "include-orphans": bool, "pass-integration": bool }),
  defaults: { config: { include: [], exclude: [], "include-orphans": "False", "pass-integration": "False" } },
  artifactVersion: 1,
  strictRebuild: true,
  forbids: ["sources"],
  configure(config, { fullName, error }) {
    const include = config.strings("include") ?? [];
    const exclude = config.strings("exclude") ?? [];
    const orphans = config.bool("include-orphans") ?? false;
    const passIntegration = config.bool("pass-integration") ?? false;
    let filtered: DependencyFacts | undefined;
    const parent = (): DependencyFacts => {
      if (filtered === undefined)
        throw new Error(`the filter ${fullName} was built before its dependencies were checked`);
      return filtered;
    };
    return {
      runsCommands: false,
      uniqueKey: () => ({ include: [...include].sort(), exclude: [...exclude].sort(), orphans }),
      preflight({ build, runtime }) {
        const [only, second] = build;
        const list = (all: readonly DependencyFacts[]) => all.map(({ name }) => name).join("\n");
        if (only === undefined || second !== undefined) {
          throw error(`A filter has one build dependency, and this one has ${build.length}`, {
            reason: "filter-bdepend-wrong-count",
            detail: list(build),
          });
        }
        if (runtime.includes(only)) {
          throw error("What a filter filters cannot be its runtime dependency too", {
            reason: "filter-bdepend-also-rdepend",
            detail: list(runtime),
          });
        }
        if (!only.hasArtifact) {
          throw error(`${only.name} has no files that could be filtered`, {
            reason: "filter-bdepend-no-artifact",
          });
        }
        filtered = only;
      },
      sourceElement: parent,
      stage(io) {
        const domains = io.publicData(parent(), "bst")?.mapping("split-rules");
        const unknown = [...include, ...exclude].filter((domain) => !domains?.has(domain));
        if (unknown.length > 0) {
          throw error(`${parent().name} has no such split domains: ${unknown.join(", ")}`, {
            detail: `It has: ${(domains?.keys() ?? []).join(", ")}`,
          });
        }
        io.stageArtifact(parent(), { include, exclude, orphans });
      },
      assemble(io) {
        if (passIntegration) {
          const own = io.ownPublicData("bst") ?? mappingFrom({});
          const commands = [
            ...(io.publicData(parent(), "bst")?.strings("integration-commands") ?? []),
            ...(own.strings("integration-commands") ?? []),
          ];
          const list = mappingFrom({ list: commands }).get("list");
          if (list !== undefined) io.setPublicData("bst", own.with("integration-commands", list));
        }
        recordOrigins(io, io.root.digest(), [parent()]);
        return "";
      },
    };
  },
};
