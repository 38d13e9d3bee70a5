/** The program of this machine that runs containers: podman or docker. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { BstError } from "../base/errors.ts";

const ENGINES = ["podman", "docker"] as const;

export class ContainerEngine {
  readonly name: string;
  readonly #signal: AbortSignal;

  private constructor(name: string, signal: AbortSignal) {
    this.name = name;
    this.#signal = signal;
  }

  /**
   * @param name the one to use; else the first that is there
   * @throws BstError domain app, reason missing-container-engine
   */
  static async find(name: (typeof ENGINES)[number] | undefined, signal: AbortSignal): Promise<ContainerEngine> {
    const candidates = name === undefined ? ENGINES : [name];
    for (const each of candidates) {
      const engine = new ContainerEngine(each, signal);
      if ((await engine.#run(["--version"], "ignore")).status === 0) return engine;
    }
    throw new BstError("app", `There is no ${candidates.join(" or ")} on this machine to run images with`, {
      reason: "missing-container-engine",
    });
  }

  /** @throws BstError domain app, reason container-engine-failed, with what it printed */
  async ask(...args: string[]): Promise<string> {
    const { status, output, errors } = await this.#run(args, "pipe");
    if (status === 0) return output.trim();
    throw new BstError("app", `${this.name} ${args[0]} failed`, {
      reason: "container-engine-failed",
      detail: errors.trim(),
    });
  }

  async succeeds(...args: string[]): Promise<boolean> {
    return (await this.#run(args, "ignore")).status === 0;
  }

  async #run(args: readonly string[], stdio: "ignore" | "pipe") {
    const child = spawn(this.name, args, { stdio: ["ignore", stdio, stdio], signal: this.#signal });
    let output = "";
    let errors = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    try {
      const [code]: (number | null)[] = await once(child, "close");
      return { status: code ?? 128, output, errors };
    } catch (error) {
      this.#signal.throwIfAborted();
      return { status: 127, output, errors: error instanceof Error ? error.message : "" };
    }
  }
}
