/** The programs of others that judge images. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** What .ci/judges made. */
const judges = join(process.env["BST_ORACLE"] ?? join(homedir(), ".cache/bst-ts-oracle"), "judges");
export const schemaFolder: string = join(judges, "schema");
const crane = join(judges, "crane");

/** Why something can't be asked here; undefined where it can. It is said once. */
function absent(what: string, reason: string | undefined): string | undefined {
  if (reason !== undefined) console.warn(`skipped: what ${what} says of images: ${reason}`);
  return reason;
}

function program(name: string, needsRoot = false): string | undefined {
  if (spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0) return absent(name, "it is not installed");
  return needsRoot && process.getuid?.() !== 0 ? absent(name, "it is tried as root only") : undefined;
}

const make = `.ci/judges ${judges} makes it`;
export const schemasAbsent = absent("the specification", existsSync(schemaFolder) ? undefined : make);
export const craneAbsent = absent("crane", existsSync(crane) ? undefined : make);
export const registryAbsent: string | undefined = program("docker-registry");
export const skopeoAbsent: string | undefined = program("skopeo");
export const imageToolAbsent: string | undefined = program("oci-image-tool");
export const umociAbsent: string | undefined = program("umoci", true);
export const dockerAbsent: string | undefined = program("dockerd", true);

export interface Verdict {
  readonly ok: boolean;
  readonly output: string;
}

function ask(program: string, args: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => resolve({ ok: error === null, output: stdout + stderr }));
  });
}

export const askCrane = (...args: readonly string[]): Promise<Verdict> => ask(crane, args);
export const askUmoci = (...args: readonly string[]): Promise<Verdict> => ask("umoci", args);
export const askImageTool = (...args: readonly string[]): Promise<Verdict> => ask("oci-image-tool", args);
export const askSkopeo = (...args: readonly string[]): Promise<Verdict> =>
  ask("skopeo", ["--insecure-policy", ...args]);

const run = promisify(execFile);
// Another docker may stand before Debian's.
const path = `/usr/sbin:/usr/bin:${process.env["PATH"]}`;
const firstAnswerMs = 30_000;

/** Debian's docker with a daemon, a socket and a storage of its own, and without a network. */
export class Docker implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "dock-"));
  readonly #socket = `unix://${join(this.#folder, "socket")}`;
  readonly #daemon = spawn(
    "dockerd",
    [
      ...["--host", this.#socket, "--pidfile", join(this.#folder, "pid"), "--data-root", join(this.#folder, "data")],
      ...["--exec-root", join(this.#folder, "exec"), "--storage-driver", "overlay2", "--bridge", "none"],
      ...["--iptables=false", "--ip6tables=false"],
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PATH: path } },
  );
  #log = "";

  /** Once it answers. */
  static async start(): Promise<Docker> {
    const docker = new Docker();
    docker.#daemon.stderr.setEncoding("utf8").on("data", (text: string) => {
      docker.#log = (docker.#log + text).slice(-10_000);
    });
    for (const until = Date.now() + firstAnswerMs; Date.now() < until; await sleep(100)) {
      if ((await docker.ask("version")).ok) return docker;
      if (docker.#daemon.exitCode !== null) break;
    }
    await docker[Symbol.asyncDispose]();
    throw new Error(`dockerd does not answer: ${docker.#log}`);
  }

  async ask(...args: readonly string[]): Promise<Verdict> {
    try {
      const { stdout, stderr } = await run("docker", ["--host", this.#socket, ...args], {
        env: { ...process.env, PATH: path, DOCKER_CONFIG: this.#folder },
      });
      return { ok: true, output: (stdout + stderr).trim() };
    } catch (error) {
      return { ok: false, output: String(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon.exitCode === null) {
      const ended = new Promise((resolve) => this.#daemon.once("exit", resolve));
      this.#daemon.kill();
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
