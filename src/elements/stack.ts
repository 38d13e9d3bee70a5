/** Kind `stack`: a name for a set of elements. Its own artifact is empty; what counts is what it depends on. */
import { inTree } from "../base/paths.ts";
import type { ElementKind } from "../project/element-kind.ts";

const OUTPUT = "/output";

export const stack: ElementKind = {
  kind: "stack",
  schema: { type: "object" },
  forbids: ["sources"],
  hasArtifact: false,
  configure(_config, { error }) {
    return {
      runsCommands: false,
      uniqueKey: () => 1,
      preflight({ build, runtime }) {
        const [toBuild, toRun] = [new Set(build), new Set(runtime)];
        if (build.every((one) => toRun.has(one)) && runtime.every((one) => toBuild.has(one))) return;
        throw error("A stack's dependencies must all be needed both to build and to run", {
          reason: "stack-requires-build-and-run",
          detail: "List them under 'depends', without a 'type'.",
        });
      },
      assemble({ root }) {
        root.openDirectory(inTree(OUTPUT), { create: true });
        return OUTPUT;
      },
    };
  },
};
