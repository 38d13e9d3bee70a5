/** Kind `ostree`: an OSTree repository with one commit, of what is staged as the system's root. */
import { joinPath } from "../base/paths.ts";
import { quote } from "../base/quote.ts";
import { bool, record, text, textList } from "../base/schema.ts";
import type { DependencyFacts, ElementKind } from "../project/element-kind.ts";

/** Of every commit, so that it depends on its files alone. */
const TIMESTAMP = "2011-11-11 11:11:11+00:00";

export const ostree: ElementKind = {
  kind: "ostree",
  isPlugin: true,
  schema: record({ "ostree-branch": text, "initial-commands": textList }, ["ostree-branch", "initial-commands"]),
  dependencyConfig: record({ sysroot: bool }),
  defaults: { config: { "initial-commands": [] } },
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
  configure(config, facts) {
    const branch = config.string("ostree-branch") ?? "";
    const initialCommands = config.strings("initial-commands") ?? [];
    const buildRoot = facts.variable("build-root") ?? "/";
    const installRoot = facts.variable("install-root") ?? "/";
    const tools: DependencyFacts[] = [];
    const sysroot: DependencyFacts[] = [];
    return {
      configureDependencies(dependencies) {
        for (const { element, config } of dependencies) (config?.bool("sysroot") ? sysroot : tools).push(element);
      },
      uniqueKey: () => ({ branch, "initial-commands": initialCommands }),
      sandbox: () => ({ writable: [buildRoot, installRoot] }),
      async stage(io) {
        await io.activity("Staging environment", () => io.stageDependencies({ selection: tools }));
        await io.integrate(tools);
        const path = facts.variable("sysroot") ?? "/";
        await io.activity("Staging sysroot", () => io.stageDependencies({ selection: sysroot, path }));
      },
      async assemble(io) {
        const [root, bare] = [joinPath(buildRoot, "sysroot"), joinPath(buildRoot, "barerepo")];
        const commit = ["--consume", root, "--branch", branch, "--timestamp", TIMESTAMP];
        const commands = [
          ["init", "--repo", bare],
          ["commit", "--repo", bare, ...commit],
          ["init", "--repo", installRoot, "--mode", "archive"],
          ["pull-local", "--repo", installRoot, bare],
        ].map((words) => ["ostree", ...words].map(quote).join(" "));
        await io.run([...initialCommands, ...commands], { readOnlyRoot: false });
        return installRoot;
      },
    };
  },
};
