/** Kind `collect_initial_scripts`: gathers the `initial-script` of everything that it depends on, numbered in order. */
import { BstError } from "../base/errors.ts";
import { joinPath } from "../base/paths.ts";
import { record, text } from "../base/schema.ts";
import type { BuildIo, DependencyFacts, ElementKind } from "../project/element-kind.ts";
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
          const script = initialScriptOf(io, dependency);
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

function initialScriptOf(io: BuildIo, dependency: DependencyFacts): string | undefined {
  try {
    const data = io.publicData(dependency, "initial-script");
    const script = data?.string("script");
    if (data !== undefined && !script?.trim()) {
      io.warn(`The initial-script of ${dependency.fullName} is empty`, { detail: "Its key is 'script'." });
    }
    return script;
  } catch (error) {
    // What artifacts have of it has no place in a file of the project.
    if (!(error instanceof BstError)) throw error;
    const message = `The initial-script of ${dependency.fullName} can't be used: ${error.message}`;
    throw new BstError("element", message, { reason: "invalid-initial-script", cause: error });
  }
}
