/** Runs one program on one project and says what that took. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  readonly #settings: Readonly<Record<string, unknown>>;
  #caches = 0;

  /** @param settings further keys of the user configuration */
  constructor(name: string, command: readonly string[], dir: string, settings: Readonly<Record<string, unknown>> = {}) {
    this.name = name;
    this.#command = command;
    this.#dir = join(dir, name);
    this.#settings = settings;
    this.forget();
  }

  /** Goes on with an empty cache. */
  forget(): void {
    this.#caches++;
    const cache = join(this.#dir, `cache${this.#caches}`);
    mkdirSync(cache, { recursive: true });
    const folders = ["cachedir", "sourcedir", "logdir", "workspacedir"].map((key) => [key, join(cache, key)]);
    writeFileSync(this.#path("user.conf"), stringify({ ...this.#settings, ...Object.fromEntries(folders) }));
  }

  /** Removes what bst-ts knows of files and projects, which can be found out again; sources and artifacts stay. */
  forgetIndexes(): void {
    rmSync(join(this.#dir, `cache${this.#caches}`, "cachedir", "bst-ts"), { recursive: true, force: true });
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
