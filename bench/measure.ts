/** Runs one program on one project and says what that took. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";

// Seen from the bundle in bench/dist.
const measurePy = join(import.meta.dirname, "../measure.py");

export interface Measurement {
  readonly code: number;
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Peak resident memory of the largest process. */
  readonly megabytes: number;
}

/** One of the programs compared, with a cache of its own. */
export class Contender {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #dir: string;
  #caches = 0;

  constructor(name: string, command: readonly string[], dir: string) {
    this.name = name;
    this.#command = command;
    this.#dir = join(dir, name);
    this.forget();
  }

  /** Goes on with an empty cache. */
  forget(): void {
    this.#caches++;
    const cache = join(this.#dir, `cache${this.#caches}`);
    mkdirSync(cache, { recursive: true });
    const folders = ["cachedir", "sourcedir", "logdir", "workspacedir"].map((key) => [key, join(cache, key)]);
    writeFileSync(this.#path("user.conf"), stringify(Object.fromEntries(folders)));
  }

  /** A path of this contender's own, for results of checkouts. */
  #path(name: string): string {
    return join(this.#dir, name);
  }

  checkoutPath(name: string): string {
    return this.#path(name);
  }

  /** What the last command printed. */
  get stdout(): string {
    return readFileSync(this.#path("stdout"), "utf8");
  }

  /** Runs it in the project's folder; throws where it fails, since a failure is fast. */
  measure(project: string, args: readonly string[]): Measurement {
    const files = ["result", "stdout", "stderr"].map((name) => this.#path(name));
    const command = [...this.#command, "--config", this.#path("user.conf"), "--no-interactive", ...args];
    spawnSync("python3", [measurePy, ...files, ...command], {
      cwd: project,
      env: { ...process.env, HOME: this.#dir },
      stdio: "inherit",
    });
    const result: Measurement = JSON.parse(readFileSync(this.#path("result"), "utf8"));
    if (result.code !== 0)
      throw new Error(
        `${this.name} ${args.join(" ")}: exit status ${result.code}\n${readFileSync(this.#path("stderr"), "utf8").slice(-3000)}`,
      );
    return result;
  }
}
