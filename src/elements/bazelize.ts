/** Kind `bazelize`: a Bazel project of the files of its build dependencies, with a target for each of them. */
import { joinPath } from "../base/paths.ts";
import { bool, record, textList } from "../base/schema.ts";
import { Tree } from "../cas/tree.ts";
import type { BuildIo, DependencyFacts, ElementKind, SplitSelection } from "../project/element-kind.ts";
import { buildFile, rulesOf } from "./bazel-rules.ts";
import { writeFile } from "./write-file.ts";

export const bazelize: ElementKind = {
  kind: "bazelize",
  isPlugin: true,
  schema: record({ include: textList, exclude: textList, "include-orphans": bool }, [
    "include",
    "exclude",
    "include-orphans",
  ]),
  defaults: { config: { include: [], exclude: [], "include-orphans": "True" } },
  artifactVersion: 4,
  strictRebuild: true,
  runsCommands: false,
  forbids: ["runtime-depends", "sources"],
  configure(config, facts) {
    const include = config.strings("include") ?? [];
    const exclude = config.strings("exclude") ?? [];
    const orphans = config.bool("include-orphans") ?? true;
    const installRoot = facts.variable("install-root") ?? "/";
    const selection = { include, exclude, orphans };
    let direct: readonly DependencyFacts[] = [];
    return {
      configureDependencies(dependencies) {
        direct = dependencies.map(({ element }) => element);
      },
      uniqueKey: () => ({
        include: [...include].sort(),
        exclude: [...exclude].sort(),
        "include-orphans": orphans,
      }),
      stage(io) {
        for (const element of direct) io.stageArtifact(element, { ...selection, path: installRoot });
      },
      assemble(io) {
        const rules = direct.flatMap((element) => {
          const data = io.publicData(element, "bazelize-data");
          data?.validateKeys(new Set(["includes"]));
          return rulesOf(element, filesOf(io, element, selection), data?.strings("includes") ?? []);
        });
        writeFile(io, joinPath(installRoot, "WORKSPACE"), "");
        writeFile(
          io,
          joinPath(installRoot, "BUILD.bazel"),
          buildFile(rules, { joinsLibraries: facts.artifactVersion > 3 }),
        );
        return installRoot;
      },
    };
  },
};

/** What an element has of files and symlinks, without those that Bazel can't name. */
function filesOf(io: BuildIo, element: DependencyFacts, selection: SplitSelection): string[] {
  const selected = new Set(io.manifest(element, selection));
  const files: string[] = [];
  for (const { path, node } of new Tree(io.cas, io.artifactTree(element)).entries()) {
    if (node.kind !== "directory" && selected.has(path) && !path.includes(" ")) files.push(path);
  }
  return files;
}
