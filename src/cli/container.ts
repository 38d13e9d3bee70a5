/** A container on this process's own input and output, which gets the signals that this process gets. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { isatty } from "node:tty";
import type { ContainerEngine } from "./container-engine.ts";

const STDIN = 0;
/** Seconds; as long as engines wait by themselves. */
const STOPPED_WITHIN = "10";

export class Container {
  readonly #engine: ContainerEngine;
  readonly #name = `bst-ts-${process.pid}-${randomBytes(4).toString("hex")}`;
  readonly #client: ChildProcess;
  readonly #ended: Promise<number>;
  readonly #signals: Promise<void>[] = [];

  /** @param args behind the engine's command `run` */
  constructor(engine: ContainerEngine, args: readonly string[]) {
    this.#engine = engine;
    const isTerminal = isatty(STDIN);
    const options = ["--rm", "--interactive", ...(isTerminal ? ["--tty"] : []), "--name", this.#name];
    this.#client = spawn(engine.name, ["run", ...options, ...args], {
      stdio: "inherit",
      // What this process's group gets would reach the container twice. At a terminal, keys are the container's.
      detached: !isTerminal,
    });
    this.#ended = once(this.#client, "close").then(([code]: (number | null)[]) => code ?? 128);
  }

  /** The exit status of its command, when it is gone. */
  async ended(): Promise<number> {
    const status = await this.#ended;
    // The client may go first.
    await Promise.all(this.#signals);
    return status;
  }

  /** Ctrl-C is the container's; any other wants it to end, which it does within some seconds. */
  signal(name: NodeJS.Signals): void {
    const how = name === "SIGINT" ? ["kill", "--signal", "INT"] : ["stop", "-t", STOPPED_WITHIN];
    this.#signals.push(
      this.#engine.succeeds(...how, this.#name).then((isThere) => {
        if (!isThere) this.#client.kill(name);
      }),
    );
  }
}
