/** Kind `collect_initial_scripts`: gathers the `initial-script` of everything that it depends on, numbered in order. */

import { joinPath } from "../base/paths.ts";
import { record, text } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { writeFile } from "./write-file.ts";

export const collectInitialScripts: ElementKind = {
  kind: "collect_initial_scripts",
  schema: record({ path: text }, ["path"]),
  forbids: ["runtime-depends", "sources"],
  collects: true,
  configure(config) {
    const path = config.string("path") ?? "/";
    return {
      uniqueKey: () => ({ path }),
      assemble(io) {
        let count = 0;
        for (const dependency of io.dependencies()) {
          const script = io.publicData(dependency, "initial-script")?.string("script");
          if (script === undefined) continue;
          count += 1;
          const name = `${String(count).padStart(3, "0")}-${dependency.name.replace(/[^A-Za-z0-9]/g, "_")}`;
          writeFile(io, joinPath(path, name), script, { executable: true });
        }
        return "/";
      },
    };
  },
};
