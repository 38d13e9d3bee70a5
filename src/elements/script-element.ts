/** What the kinds have in common that run commands over staged dependencies: BuildStream's ScriptElement. */
import { inTree } from "../base/paths.ts";
import type { CommandService } from "../cas/command-service.ts";
import type { BuildIo, ElementBehaviour, ElementFacts, ElementKind } from "../project/element-kind.ts";
import { Layout } from "./layout.ts";

/** What such kinds declare alike. */
export const scriptElementShape = {
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
} as const satisfies Partial<ElementKind>;

export interface ScriptOptions {
  readonly readOnlyRoot: boolean;
  /** Absolute path of the folder with the results; by default the variable `install-root`. */
  readonly installRoot?: string;
  /** Folders that stay writable besides the one for results. */
  readonly writable?: readonly string[];
  /** A command that is served to the script. */
  readonly served?: ((io: BuildIo) => CommandService) | undefined;
}

/** Commands in named groups, in the order in which they are run, and where dependencies are staged for them. */
export class Script {
  readonly layout = new Layout();
  readonly commands = new Map<string, readonly string[]>();
  readonly installRoot: string;
  private readonly workDirectory: string;
  private readonly options: ScriptOptions;

  constructor(facts: ElementFacts, options: ScriptOptions) {
    this.workDirectory = facts.variable("cwd") || "/";
    this.installRoot = options.installRoot ?? (facts.variable("install-root") || "/");
    this.options = options;
  }

  keyFields() {
    return {
      cwd: this.workDirectory,
      "install-root": this.installRoot,
      layout: this.layout.keyFields(),
      "root-read-only": this.options.readOnlyRoot,
    };
  }

  async stage(io: BuildIo): Promise<void> {
    await this.layout.stage(io);
    io.root.openDirectory(inTree(this.installRoot), { create: true });
  }

  /** @param edit changes commands as they are run */
  async assemble(io: BuildIo, edit = (command: string): string => command): Promise<string> {
    const { readOnlyRoot, served } = this.options;
    await io.run([...this.commands.values()].flat().map(edit), { readOnlyRoot, served: served?.(io) });
    return this.installRoot;
  }

  /** The script as the whole behaviour of an element. */
  behaviour() {
    return {
      uniqueKey: () => ({ ...this.keyFields(), commands: Object.fromEntries(this.commands) }),
      sandbox: () => ({
        workDirectory: this.workDirectory,
        writable: [this.installRoot, ...(this.options.writable ?? [])],
      }),
      stage: (io) => this.stage(io),
      assemble: (io) => this.assemble(io),
    } satisfies ElementBehaviour;
  }
}
