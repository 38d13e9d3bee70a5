/** Kind `compose`: one tree of the files of its dependencies, of the split domains that it selects. */
import { inTree } from "../base/paths.ts";
import { bool, record, textList } from "../base/schema.ts";
import type { BuildIo, DependencyFacts, ElementKind } from "../project/element-kind.ts";
import { recordOrigins } from "./origins.ts";

const INSTALL = "/buildstream/install";

export const composeKind: ElementKind = {
  kind: "compose",
  schema: record({ integrate: bool, include: textList, exclude: textList, "include-orphans": bool }),
  defaults: { config: { integrate: "True", include: [], exclude: [], "include-orphans": "True" } },
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
  configure(config) {
    const integrate = config.bool("integrate") ?? true;
    const include = config.strings("include") ?? [];
    const exclude = config.strings("exclude") ?? [];
    const orphans = config.bool("include-orphans") ?? true;
    const isSelective = include.length > 0 || exclude.length > 0 || !orphans;
    return {
      runsCommands: integrate,
      uniqueKey: () => ({
        integrate,
        include: [...include].sort(),
        orphans,
        ...(exclude.length > 0 && { exclude: [...exclude].sort() }),
      }),
      stage: (io) => io.activity("Staging dependencies", () => io.stageDependencies()),
      async assemble(io) {
        const selected = new Set<string>();
        if (isSelective) {
          for (const dependency of io.dependencies()) {
            for (const path of io.manifest(dependency, { include, exclude, orphans })) selected.add(path);
          }
        }
        if (integrate) {
          const before = isSelective ? new Set(io.root.paths()) : undefined;
          await io.integrate();
          if (before !== undefined) {
            const after = new Set(io.root.paths());
            const removed = [...selected].filter((path) => before.has(path) && !after.has(path));
            const added = [...after].filter((path) => !before.has(path));
            for (const path of removed) selected.delete(path);
            for (const path of added) selected.add(path);
            io.info(`Integration added ${added.length} and removed ${removed.length} files`);
          }
        }
        const staged = io.dependencies().filter(({ hasArtifact }) => !hasArtifact);
        if (!isSelective) {
          if (io.root.isEmpty()) warnOfNothing(io, staged);
          recordOrigins(io, io.root.digest(), io.dependencies());
          return "/";
        }
        if (selected.size === 0) warnOfNothing(io, staged);
        const everything = io.root.digest();
        const composed = io.root.openDirectory(inTree(INSTALL), { create: true });
        composed.importTree(everything, { filter: (path) => selected.has(path) });
        recordOrigins(io, composed.digest(), io.dependencies());
        io.info(`Composing ${selected.size} files`);
        return INSTALL;
      },
    };
  },
};

function warnOfNothing(io: BuildIo, stacks: readonly DependencyFacts[]): void {
  io.warn("The composition has no files", {
    detail:
      stacks.length === 0
        ? "No dependency has files in the selected domains."
        : `Stacks have no content of their own: ${stacks.map(({ fullName }) => fullName).join(", ")}`,
  });
}
