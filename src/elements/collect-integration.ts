/** Kind `collect_integration`: one script of the integration commands of everything that it depends on. */

import { record, text, textList } from "../base/schema.ts";
import type { DependencyFacts, ElementKind } from "../project/element-kind.ts";
import { writeFile } from "./write-file.ts";

export const collectIntegration: ElementKind = {
  kind: "collect_integration",
  schema: record({ "script-path": text, ignore: textList }, ["script-path"]),
  forbids: ["runtime-depends"],
  collects: true,
  configure(config, { error, hasSources }) {
    const path = config.string("script-path") ?? "";
    const ignore = config.strings("ignore") ?? [];
    return {
      uniqueKey: () => ({ "script-path": path, ignore: [...new Set(ignore)].sort() }),
      preflight({ build }) {
        if (hasSources) throw error("Elements that collect cannot have sources");
        const missing = missingFrom(build, ignore);
        if (missing.length > 0) throw error(`What shall be ignored is no dependency: ${missing.join(", ")}`);
      },
      assemble(io) {
        let script = "#!/bin/sh\nset -e\n\n";
        for (const dependency of io.dependencies()) {
          if (ignore.includes(dependency.name)) continue;
          const commands = io.publicData(dependency, "bst")?.strings("integration-commands");
          if (commands === undefined) continue;
          script += `# integration commands from ${dependency.name}\n${commands.map((line) => `${line}\n\n`).join("")}`;
        }
        writeFile(io, path, script, { executable: true });
        return "/";
      },
    };
  },
};

/** Names that no build dependency has, nor anything that one needs at run time. */
function missingFrom(build: readonly DependencyFacts[], names: readonly string[]): readonly string[] {
  if (names.length === 0) return names;
  const found = new Set(build);
  for (const element of found) for (const dependency of element.runtimeDependencies) found.add(dependency);
  const foundNames = new Set([...found].map(({ name }) => name));
  return names.filter((name) => !foundNames.has(name));
}
