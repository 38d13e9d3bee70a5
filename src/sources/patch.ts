/** Source kind `patch`: a patch of the project, applied to the sources before it with the program of that name. */
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import { record, text } from "../base/schema.ts";
import type { Source, SourceKind } from "../project/source-kind.ts";
import { changeFiles } from "./change-files.ts";
import { patchNames } from "./patch-names.ts";
import { ProjectFile } from "./project-file.ts";
import { runProgram } from "./run-program.ts";
import { stageInPlace } from "./stage-in-place.ts";
import { unversioned } from "./unversioned.ts";

export const patch: SourceKind = {
  kind: "patch",
  isPlugin: true,
  schema: record({ path: text, "strip-level": text }, ["path"]),
  needsPrevious: { stage: true },
  configure(config, context) {
    const path = context.projectPath(config.required("path", config.scalar("path")), "file");
    const strip = config.int("strip-level") ?? 1;
    const file = new ProjectFile(join(context.projectDirectory, path), context);
    const source: Source = {
      ...unversioned,
      uniqueKey: () => [path, file.sha256, strip],
      async stage(tree, io) {
        if (tree.isEmpty()) {
          throw new BstError("source", `${context.provenance}: There is nothing to apply the patch ${path} to`, {
            reason: "patch-no-files",
          });
        }
        const input = file.read();
        // It keeps the original of a file beside it where a patch did not fit exactly.
        const names = [...patchNames(input, strip)].flatMap((name) => [name, `${name}.orig`]);
        await io.activity(`Applying ${path}`, () =>
          changeFiles(tree, io, names, async (directory) => {
            const args = [`-p${strip}`, "-i", "-", "-d", directory];
            const { code, stdout, stderr } = await runProgram("patch", args, {
              cwd: directory,
              input,
              signal: io.signal,
            });
            if (code === 0) return;
            throw new BstError("plugin", `${context.provenance}: The patch ${path} cannot be applied`, {
              detail: `${stdout}${stderr}`,
            });
          }),
        );
      },
      initWorkspace: (directory, io) => stageInPlace(source, directory, io),
      info: () => [{ url: path, medium: "local", versionType: "sha256", version: file.sha256 }],
    };
    return source;
  },
};
