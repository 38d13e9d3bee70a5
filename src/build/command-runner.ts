/** Runs the commands of one build: opens a sandbox for them when needed, and takes its files back when asked for. */
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import type { CommandService } from "../cas/command-service.ts";
import { Tree } from "../cas/tree.ts";
import type { Element } from "../project/element.ts";
import type { RunOptions, SandboxLayout } from "../project/element-kind.ts";
import { openSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { BuildTools } from "./build-tools.ts";
import { type BatchCommand, batchScript } from "./command-script.ts";
import { remoteApisSocket } from "./remote-apis.ts";

export class CommandRunner implements AsyncDisposable {
  private readonly element: Element;
  private readonly layout: SandboxLayout;
  private readonly tools: BuildTools;
  private tree: Tree;
  private sandbox: Sandbox | undefined;

  constructor(element: Element, tree: Tree, layout: SandboxLayout, tools: BuildTools) {
    this.element = element;
    this.tree = tree;
    this.layout = layout;
    this.tools = tools;
  }

  /** The files of the sandbox; another object after each batch. */
  get root(): Tree {
    return this.tree;
  }

  /**
   * Runs commands until one fails.
   * @throws BstError domain sandbox, reasons command-failed and missing-command
   */
  async run(commands: readonly BatchCommand[], { readOnlyRoot, served }: RunOptions): Promise<void> {
    const [first] = commands;
    if (first === undefined) return;
    const { messenger, signal, caches } = this.tools;
    const about = { element: this.element.fullName, detail: commands.map(({ label }) => label).join("\n") };
    await activity(
      messenger,
      "Running commands",
      async () => {
        const sandbox = await this.open(served);
        const command = {
          argv: ["sh", "-c", "-e", batchScript(commands)],
          env: first.environment,
          cwd: first.workDirectory,
          rootReadOnly: readOnlyRoot,
        };
        const output = messenger.logFd ?? "ignore";
        const status = await sandbox.run(command, { stdout: output, stderr: output }, signal);
        this.tree = new Tree(caches.cas, sandbox.capture());
        if (status !== 0) {
          throw new BstError("sandbox", "Command failed", { reason: "command-failed" });
        }
      },
      about,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A sandbox over what the tree is now. */
  private async open(service: CommandService | undefined): Promise<Sandbox> {
    await this.close();
    const { sandbox } = this.element;
    this.sandbox = await openSandbox(this.tools.sandboxHost(), {
      root: this.tree.digest(),
      writableDirectories: this.layout.writable ?? [],
      uid: sandbox.buildUid,
      gid: sandbox.buildGid,
      os: sandbox.buildOs,
      arch: sandbox.buildArch,
      mtimes: this.element.workspace !== undefined,
      network: false,
      hostMounts: [],
      service,
      socket: remoteApisSocket(this.tools.caches.cas, sandbox),
    });
    return this.sandbox;
  }

  private async close(): Promise<void> {
    await this.sandbox?.[Symbol.asyncDispose]();
    this.sandbox = undefined;
  }
}
