/** Loads copies of a project in which files are broken: whatever is wrong, it ends soon and with a proper error. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { LoadError } from "../../src/base/errors.ts";
import type { Plain } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { Random } from "../oracle/random.ts";
import { mutateBytes, mutateText, mutateTree } from "./mutate.ts";

export interface Failure {
  readonly seed: number;
  readonly path: string;
  readonly edit: string;
  readonly end: string;
  /** The file as it was loaded. */
  readonly text: string;
}

export interface Mutations {
  /** How often commands ended in which way. */
  readonly ends: ReadonlyMap<string, number>;
  readonly failures: readonly Failure[];
}

export interface MutationOptions {
  readonly first: number;
  readonly count: number;
  /** Words of the command that is tested. */
  readonly command: readonly string[];
  /** Path of the user configuration. */
  readonly config?: string;
  /** The element to show; by default the one that is broken, or any. */
  readonly target?: string;
  /** Milliseconds after which a command counts as hanging. */
  readonly limit?: number;
}

type Paths = readonly [string, ...string[]];

const READ = /(\.bst|\.ya?ml|\.conf|\.refs)$/;
const FORMAT = "%{name} %{full-key} %{vars} %{env} %{config} %{public} %{source-info} %{deps}";

/** Shows an element of the project for each seed, after files were broken as the seed says. */
export async function mutateProject(folder: string, options: MutationOptions): Promise<Mutations> {
  const scratch = mkdtempSync(join(tmpdir(), "bst-ts-fuzz-"));
  try {
    const copy = join(scratch, basename(folder));
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true, filter: (path) => basename(path) !== ".git" });
    const config = options.config ?? join(scratch, "user.conf");
    if (options.config === undefined) writeFileSync(config, `cachedir: ${scratch}/cache\n`);
    return await runSeeds(new ProjectCopy(copy), { ...options, config }, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

class ProjectCopy {
  readonly folder: string;
  /** Paths of all files of the format, relative to the folder. */
  readonly paths: Paths;
  /** Those of elements of the project itself, as they are named. */
  readonly elements: Paths;
  private readonly elementPath: string;

  constructor(folder: string) {
    this.folder = folder;
    this.paths = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && READ.test(entry.name))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort() as [string, ...string[]];
    [, this.elementPath = "."] =
      /^["']?element-path["']?: *["']?([^\s"']+)/m.exec(this.read("project.conf").toString()) ?? [];
    this.elements = this.paths
      .map((path) => relative(this.elementPath, path))
      .filter((name) => name.endsWith(".bst") && !/(^|\/)(\.\.?|staged-junctions)\//.test(name)) as [
      string,
      ...string[],
    ];
  }

  /** The path of a file to break, mostly an element's, and of an element that may show it. */
  pick(random: Random): { path: string; target: string } {
    const target = random.pick(this.elements);
    return { path: random.chance(0.7) ? join(this.elementPath, target) : random.pick(this.paths), target };
  }

  read(path: string): Buffer {
    return readFileSync(join(this.folder, path));
  }

  write(path: string, content: Uint8Array): void {
    writeFileSync(join(this.folder, path), content);
  }
}

async function runSeeds(
  project: ProjectCopy,
  options: MutationOptions & { readonly config: string },
  scratch: string,
): Promise<Mutations> {
  const ends = new Map<string, number>();
  const failures: Failure[] = [];
  for (let seed = options.first; seed < options.first + options.count; seed++) {
    const random = new Random(seed);
    const { path, target } = project.pick(random);
    const before = project.read(path);
    const { edit, content } = broken(before, project, random);
    project.write(path, content);
    const end = await show(options.target ?? target, project.folder, options, scratch);
    project.write(path, before);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (end.startsWith("!")) failures.push({ seed, path, edit, end, text: Buffer.from(content).toString() });
  }
  return { ends, failures };
}

function broken(before: Buffer, project: ProjectCopy, random: Random): { edit: string; content: Uint8Array } {
  const kind = random.fraction(10);
  if (kind < 1) return { edit: "bytes", content: mutateBytes(before, random) };
  const path = random.pick(project.paths);
  if (kind < 2) {
    return { edit: `text of ${path}`, content: swapped(before.toString(), project.read(path).toString(), random) };
  }
  const [tree, other] = [treeOf(before), treeOf(project.read(path))];
  if (kind < 6 && tree !== undefined) {
    return { edit: "tree", content: Buffer.from(JSON.stringify(mutateTree(tree, other ?? {}, random), null, 1)) };
  }
  return { edit: "text", content: Buffer.from(mutateText(before.toString(), random)) };
}

function treeOf(content: Buffer): Plain | undefined {
  const file = { path: "/x", shortName: "x", displayName: "x" };
  try {
    return parseYaml(content.toString(), file).toPlain();
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    return undefined;
  }
}

/** One line's value is that of a line of another file, or the whole file is. */
function swapped(text: string, other: string, random: Random): Buffer {
  if (random.chance(0.2)) return Buffer.from(other);
  const lines = text.split("\n");
  const donors = other.split("\n");
  const at = Math.floor(random.fraction(lines.length));
  const value = /[:-] (.*)$/.exec(random.pick(donors as [string, ...string[]]))?.[1] ?? "";
  lines[at] = (lines[at] ?? "").replace(/([:-]) .*$/, (_, mark) => `${mark} ${value}`);
  return Buffer.from(lines.join("\n"));
}

/** How the command ended; with a `!` before it where it may not end so. */
function show(
  target: string,
  cwd: string,
  { command, config = "", limit = 30_000 }: MutationOptions,
  scratch: string,
): Promise<string> {
  const record = join(scratch, "error.json");
  writeFileSync(record, "");
  const [program = "", ...words] = command;
  const args = [...words, "--config", config, "--no-interactive", "show", "--deps", "all", "--format", FORMAT, target];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: "ignore", env: { ...process.env, BST_TS_ERROR_FILE: record } });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limit);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      const text = readFileSync(record, "utf8");
      const error = text === "" ? undefined : JSON.parse(text);
      if (isLate) resolve("!hangs");
      else if (code === 0) resolve("ok");
      else if (code !== 255 || error === undefined) resolve(`!exit ${code}`);
      else if (error.unhandled === true) resolve(`!bug ${error.message}`);
      else resolve(`${error.domain} ${error.reason}`);
    });
  });
}
