/** Kind `script`: runs commands over staged dependencies, and keeps what they leave in the install root. */
import { inTree } from "../base/paths.ts";
import { bool, record, text, textList } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { Layout } from "./layout.ts";

export const script: ElementKind = {
  kind: "script",
  schema: record({ commands: textList, "root-read-only": bool }),
  dependencyConfig: record({ location: text }),
  defaults: { variables: { cwd: "/" }, config: { "root-read-only": "False", commands: [] } },
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
  configure(config, facts) {
    const commands = config.strings("commands") ?? [];
    const readOnlyRoot = config.bool("root-read-only") ?? false;
    const workDirectory = facts.variable("cwd") || "/";
    const installRoot = facts.variable("install-root") || "/";
    const layout = new Layout();
    return {
      configureDependencies(dependencies) {
        for (const dependency of dependencies) layout.add(dependency);
      },
      uniqueKey: () => ({
        commands: { commands },
        cwd: workDirectory,
        "install-root": installRoot,
        layout: layout.keyFields(),
        "root-read-only": readOnlyRoot,
      }),
      sandbox: () => ({ workDirectory, writable: [installRoot] }),
      async stage(io) {
        await layout.stage(io);
        io.root.openDirectory(inTree(installRoot), { create: true });
      },
      async assemble(io) {
        await io.run(commands, { readOnlyRoot });
        return installRoot;
      },
    };
  },
};
