/** Kind `import`: puts files of the sources, as they are, into the artifact. */
import { inTree, joinPath } from "../base/paths.ts";
import { record, text } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";

const INPUT = "/input";
const OUTPUT = "/output";

export const importKind: ElementKind = {
  kind: "import",
  schema: record({ source: text, target: text }),
  defaults: { config: { source: "/", target: "/" } },
  configure(config, facts) {
    const { error, hasSources } = facts;
    const source = config.string("source") ?? "/";
    const target = config.string("target") ?? "/";
    return {
      runsCommands: false,
      uniqueKey: () => ({ source, target }),
      preflight() {
        if (!hasSources) throw error("An import needs at least one source");
      },
      script() {
        const input = joinPath(facts.variable("build-root") ?? "/", inTree(source));
        const output = joinPath(facts.variable("install-root") ?? "/", inTree(target));
        return [`mkdir -p '${output}'`, `cp -a '${input}/.' '${output}'`];
      },
      assemble(io) {
        io.stageSources(INPUT);
        const input = io.root.openDirectory(inTree(joinPath(INPUT, inTree(source))));
        const output = io.root.openDirectory(inTree(joinPath(OUTPUT, inTree(target))), { create: true });
        if (input.isEmpty()) throw error(`The sources have no files in '${source}'`);
        output.importTree(input);
        return OUTPUT;
      },
    };
  },
};
