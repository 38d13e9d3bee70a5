/** Kind `collect_integration`: one script of the integration commands of everything that it depends on. */

import { dirname } from "node:path";
import { inTree } from "../base/paths.ts";
import { record, text, textList } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";

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
      preflight() {
        if (hasSources) throw error("Elements that collect cannot have sources");
      },
      assemble(io) {
        const dependencies = io.dependencies();
        for (const name of ignore) {
          if (dependencies.some((dependency) => dependency.name === name)) continue;
          throw error(`What shall be ignored is no dependency: ${name}`);
        }
        let script = "#!/bin/sh\nset -e\n\n";
        for (const dependency of dependencies) {
          if (ignore.includes(dependency.name)) continue;
          const commands = io.publicData(dependency, "bst")?.strings("integration-commands");
          if (commands === undefined) continue;
          script += `# integration commands from ${dependency.name}\n${commands.map((line) => `${line}\n\n`).join("")}`;
        }
        io.root.openDirectory(inTree(dirname(path)), { create: true });
        io.root.addFile(inTree(path), io.cas.write(script), { executable: true });
        return "/";
      },
    };
  },
};
