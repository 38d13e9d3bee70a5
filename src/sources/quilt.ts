/** Source kind `quilt`: a series of patches among the sources before it, applied with the program of that name. */
import { BstError } from "../base/errors.ts";
import { text } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import type { Source, SourceKind } from "../project/source-kind.ts";
import { changeFiles } from "./change-files.ts";
import { patchNames } from "./patch-names.ts";
import { runProgram } from "./run-program.ts";
import { stageInPlace } from "./stage-in-place.ts";
import { unversioned } from "./unversioned.ts";

/** The most leading folders that a series has been seen to take off names. */
const MOST_STRIPPED = 3;

export const quilt: SourceKind = {
  kind: "quilt",
  isPlugin: true,
  // The plugin minds no further keys.
  schema: { type: "object", properties: { path: text } },
  needsPrevious: { stage: true },
  configure(config, context) {
    const path = config.string("path") ?? "";
    const source: Source = {
      ...unversioned,
      // The patches are keyed with the sources that they are among.
      uniqueKey: () => [path],
      async stage(tree, io) {
        if (tree.lookup(path === "" ? "." : path, { followSymlinks: true })?.kind !== "directory") {
          throw new BstError("source", `${context.provenance}: There is no folder '${path}' in the sources before`, {
            reason: "no-dir-found",
          });
        }
        await io.activity(`Applying the patches in ${path}`, () =>
          changeFiles(tree, io, neededFiles(tree, path), async (directory) => {
            const { code, stdout, stderr } = await runProgram("quilt", ["push", "-a"], {
              cwd: directory,
              // What the user has configured changes nothing.
              env: { PATH: process.env["PATH"], QUILT_PATCHES: path },
              signal: io.signal,
            });
            if (code === 0) return;
            throw new BstError("plugin", `${context.provenance}: The patches in '${path}' cannot be applied`, {
              detail: `${stdout}${stderr}`,
            });
          }),
        );
      },
      initWorkspace: (directory, io) => stageInPlace(source, directory, io),
      info: () => noInfo(context),
    };
    return source;
  },
};

/** The patches, what they change, and what quilt knows of patches that were applied before. */
function neededFiles(tree: Tree, path: string): Set<string> {
  const folders = [path || "patches", ".pc"].map((folder) => `${folder.replace(/\/+$/, "")}/`);
  const needed = new Set<string>();
  for (const { path: file, node } of tree.entries()) {
    if (node.kind === "directory" || !folders.some((folder) => file.startsWith(folder))) continue;
    needed.add(file);
    if (node.kind !== "file") continue;
    const patch = tree.cas.read(node.digest);
    for (let strip = 0; strip <= MOST_STRIPPED; strip++) for (const name of patchNames(patch, strip)) needed.add(name);
  }
  return needed;
}
