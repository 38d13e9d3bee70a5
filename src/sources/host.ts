/** Source kind `host`: programs and files of the machine that builds, with all that they need to run. */
import { basename } from "node:path";
import { BstError } from "../base/errors.ts";
import { keyOf } from "../base/json.ts";
import { record, textList } from "../base/schema.ts";
import { digestOf, sameDigest } from "../cas/digest.ts";
import { encodeDirectory } from "../cas/directory.ts";
import { importLocalFile } from "../cas/import.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceKind } from "../project/source-kind.ts";
import type { ScalarNode } from "../yaml/node.ts";
import { type HostEntry, HostError, HostFiles } from "./host-files.ts";
import { unversioned } from "./unversioned.ts";

export const host: SourceKind = {
  kind: "host",
  schema: record({ programs: textList, files: textList, exclude: textList }),
  configure(config, context) {
    const programs = config.sequence("programs")?.scalars() ?? [];
    const files = config.sequence("files")?.scalars() ?? [];
    const excludes = config.strings("exclude") ?? [];

    /** Once for each loading of the project, and only if a key is asked for. */
    let found: ReadonlyMap<string, HostEntry> | undefined;
    const entries = () => {
      found ??= gather(programs, files, excludes, context);
      return found;
    };
    let key: string | undefined;
    const uniqueKey = () => {
      key ??= contentKey(entries(), context);
      return key;
    };
    return {
      ...unversioned,
      uniqueKey,
      async stage(tree, { cas, signal }) {
        const staged = new Tree(cas);
        for (const [path, entry] of entries()) {
          signal.throwIfAborted();
          const [, folder = "", name = ""] = /^\/(?:(.*)\/)?([^/]*)$/.exec(path) ?? [];
          const directory = folder === "" ? staged : staged.makeDirectory(folder);
          if (entry.kind === "directory") {
            directory.makeDirectory(name);
          } else if (entry.kind === "symlink") {
            directory.addSymlink(name, entry.target);
          } else {
            const file = importLocalFile(cas, path);
            const alone = digestOf(encodeDirectory({ files: [{ name, ...file }], directories: [], symlinks: [] }));
            if (!sameDigest(alone, context.localTree(path))) throw changed(path, context);
            directory.addFile(name, file.digest, file);
          }
        }
        tree.importTree(staged);
      },
      info: () => [{ url: "host", medium: "local", versionType: "sha256", version: uniqueKey() }],
    };
  },
};

function gather(
  programs: readonly ScalarNode[],
  files: readonly ScalarNode[],
  excludes: readonly string[],
  { provenance, warn }: SourceContext,
): ReadonlyMap<string, HostEntry> {
  const gathered = new HostFiles(excludes);
  let place = provenance;
  try {
    for (const program of programs) {
      place = program.provenance;
      gathered.addProgram(program.value);
    }
    for (const file of files) {
      place = file.provenance;
      gathered.addPath(file.value);
    }
    place = provenance;
    gathered.addMergedFolders();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw new BstError("source", `${place}: ${error.message}`, { reason: "host-missing", cause: error });
  }
  warn("The cache key depends on the files of this machine", {
    token: "host:machine-dependent",
    detail: "Another machine, or this one after an upgrade, has other files and with them other keys and artifacts.",
  });
  return gathered.entries;
}

/** The paths with what is there, by content: equal files on two machines give equal keys. */
function contentKey(entries: ReadonlyMap<string, HostEntry>, context: SourceContext): string {
  const described = [...entries].map(([path, entry]): [string, string] => {
    if (entry.kind === "symlink") return [path, `-> ${entry.target}`];
    return [path, entry.kind === "directory" ? "directory" : context.localTree(path).hash];
  });
  return keyOf(Object.fromEntries(described));
}

function changed(path: string, { provenance }: SourceContext): BstError {
  return new BstError("source", `${provenance}: ${path} was changed after the build began`, {
    detail: `What is in ${basename(path)} now would end up under the key of what was there before. Run the command again.`,
  });
}
