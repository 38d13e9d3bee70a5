/** Loads an image into podman and runs it, in storage of its own that goes away with it. */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const env = { ...process.env, CONTAINERS_CONF: join(import.meta.dirname, "containers.conf") };
const firstAnswerMs = 20_000;

/** Why images cannot be run here; undefined where they can. */
export const podmanAbsent: string | undefined = (() => {
  if (spawnSync("podman", ["--version"]).status !== 0) return "podman is not installed";
  if (spawnSync("runc", ["--version"]).status !== 0) return "runc is not installed";
  // An ordinary user needs subordinate ids and more, which few test machines have.
  return process.getuid?.() === 0 ? undefined : "podman is tried as root only";
})();

export class Podman implements Disposable {
  // Short, since the paths of sockets below it are limited to some hundred bytes.
  readonly #storage = mkdtempSync(join(tmpdir(), "pod-"));
  readonly #containers: string[] = [];

  /** For programs that run podman themselves. */
  get env(): Record<string, string> {
    const file = join(this.#storage, "storage.conf");
    const [root, run] = [join(this.#storage, "root"), join(this.#storage, "run")];
    writeFileSync(file, `[storage]\ndriver = "overlay"\ngraphroot = "${root}"\nrunroot = "${run}"\n`);
    return { CONTAINERS_CONF: env.CONTAINERS_CONF, CONTAINERS_STORAGE_CONF: file };
  }

  #global(): string[] {
    return ["--root", join(this.#storage, "root"), "--runroot", join(this.#storage, "run")];
  }

  async #podman(...args: string[]): Promise<string> {
    const { stdout } = await run("podman", [...this.#global(), ...args], { env });
    return stdout.trim();
  }

  /** Loads the images of a tar; returns their names as podman gives them. */
  async load(tar: string): Promise<string[]> {
    const output = await this.#podman("load", "--input", tar);
    return [...output.matchAll(/^Loaded image: (.*)$/gm)].map((match) => match[1] ?? "");
  }

  /** Builds the image of a Dockerfile, with the folder that it is in; returns its id. */
  build(dockerfile: string, ...options: readonly string[]): Promise<string> {
    return this.#podman("build", "--quiet", "--network", "none", ...options, "--file", dockerfile, dirname(dockerfile));
  }

  /** The ids of all images. */
  async images(): Promise<string[]> {
    return (await this.#podman("images", "--all", "--quiet", "--no-trunc"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace("sha256:", ""));
  }

  /** What `podman image inspect` says of an image. */
  async inspect(image: string): Promise<unknown> {
    return JSON.parse(await this.#podman("image", "inspect", image))[0];
  }

  /** Where the files of an image are on this machine, until the storage goes away. */
  mount(image: string): Promise<string> {
    return this.#podman("image", "mount", image);
  }

  /** Runs a command of an image to its end, without network; returns what it printed. */
  output(image: string, ...command: string[]): Promise<string> {
    return this.#podman("run", "--rm", "--network", "none", image, ...command);
  }

  /**
   * Starts an image as it wants to be started and publishes the port that it listens to.
   * Returns the URL of that port once something answers there; throws with the container's log where nothing does.
   */
  async serve(image: string, port: number): Promise<string> {
    const container = await this.#podman("run", "--detach", "--publish", `127.0.0.1::${port}`, image);
    this.#containers.push(container);
    const url = `http://${await this.#podman("port", container, String(port))}/`;
    const until = Date.now() + firstAnswerMs;
    while (Date.now() < until) {
      const answered = await fetch(url).then(
        () => true,
        () => false,
      );
      if (answered) return url;
      await sleep(100);
    }
    const logs = spawnSync("podman", [...this.#global(), "logs", container], { env, encoding: "utf8" });
    throw new Error(`${image} does not answer at ${url}\n${logs.stdout}${logs.stderr}`);
  }

  [Symbol.dispose](): void {
    for (const container of this.#containers)
      execFileSync("podman", [...this.#global(), "rm", "--force", "--time", "0", container], { env, stdio: "ignore" });
    for (const mounts of [["unmount"], ["image", "unmount"]])
      spawnSync("podman", [...this.#global(), ...mounts, "--all"], { env, stdio: "ignore" });
    rmSync(this.#storage, { recursive: true, force: true });
  }
}
