/** Source kind `patch_queue`: a folder of patches, applied by `git apply` in the order of their names. */
import { readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { record, text } from "../base/schema.ts";
import type { Source, SourceKind } from "../project/source-kind.ts";
import { changeFiles } from "./change-files.ts";
import { tryGit } from "./git-command.ts";
import { patchNames } from "./patch-names.ts";
import { ProjectFile } from "./project-file.ts";
import { stageInPlace } from "./stage-in-place.ts";
import { unversioned } from "./unversioned.ts";

export const patchQueue: SourceKind = {
  kind: "patch_queue",
  isPlugin: true,
  schema: record({ path: text }, ["path"]),
  needsPrevious: { stage: true },
  configure(config, context) {
    const path = context.projectPath(config.required("path", config.scalar("path")), "directory");
    let listed: ReadonlyMap<string, ProjectFile> | undefined;
    /** By their paths in the project. */
    const patches = () => {
      if (listed !== undefined) return listed;
      const names = readdirSync(join(context.projectDirectory, path)).sort(compareCodePoints);
      const files = names.map((name) => posix.join(path, name));
      listed = new Map(files.map((file) => [file, new ProjectFile(join(context.projectDirectory, file), context)]));
      return listed;
    };
    const checksum = (name: string, file: ProjectFile) => {
      try {
        return file.sha256;
      } catch (error) {
        if (systemErrorCode(error) === undefined) throw error;
        throw new BstError("source", `${context.provenance}: ${name} is no patch that can be read`, { cause: error });
      }
    };
    const source: Source = {
      ...unversioned,
      // What the patches are called says no more than their order does.
      uniqueKey: () => [...patches()].map(([name, file]) => checksum(name, file)),
      async stage(tree, io) {
        const contents = [...patches()].map(([name, file]) => ({ name, input: file.read() }));
        const names = new Set(contents.flatMap(({ input }) => [...patchNames(input, 1)]));
        await io.activity(`Applying the patches in ${path}`, () =>
          changeFiles(tree, io, withAttributes(names), async (directory) => {
            for (const { name, input } of contents) {
              const { code, stderr } = await tryGit(["apply", "-"], {
                // There is none: what else the folder has of Git is not to be looked at.
                repository: join(directory, ".git"),
                env: { GIT_WORK_TREE: directory },
                cwd: directory,
                input,
                signal: io.signal,
              });
              if (code === 0) continue;
              throw new BstError("plugin", `${context.provenance}: The patch ${name} cannot be applied`, {
                detail: stderr,
              });
            }
          }),
        );
      },
      initWorkspace: (directory, io) => stageInPlace(source, directory, io),
      info: () =>
        [...patches()].map(([name, file]) => ({
          url: name,
          medium: "local",
          versionType: "sha256",
          version: checksum(name, file),
        })),
    };
    return source;
  },
};

/** With the files that say how Git treats white space and line ends in each folder. */
function withAttributes(names: ReadonlySet<string>): Set<string> {
  const paths = new Set(names).add(".gitattributes");
  for (const name of names) {
    for (let folder = posix.dirname(name); folder !== "."; folder = posix.dirname(folder)) {
      paths.add(`${folder}/.gitattributes`);
    }
  }
  return paths;
}
