/** The projects in fixtures/projects/, one folder for each area of the format, and what is asked about them in their ask.yaml. */
import { chmodSync, cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { tempDir } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const projectsDir = join(import.meta.dirname, "fixtures/projects");

export interface Question {
  readonly name: string;
  /** Elements to show; by default every element that is neither a junction nor a link. */
  readonly targets?: readonly string[];
  /** Project options, given with `-o`. */
  readonly options?: Readonly<Record<string, string>>;
  /** Further arguments before the command. */
  readonly args?: readonly string[];
  /** Arguments of `show` in place of `--deps all`. */
  readonly show?: readonly string[];
  /** Pretended `SYSTEM|MACHINE`. */
  readonly uname?: string;
  /** Settings of the user configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Elements to build before they are shown, so that the digests of the artifacts are compared too. */
  readonly build?: readonly string[];
  /** Whether the project needs a folder `root` with a shell to build in. */
  readonly root?: boolean;
}

export const areas: readonly string[] = readdirSync(projectsDir).sort();

export function questions(area: string): readonly Question[] {
  const path = join(projectsDir, area, "ask.yaml");
  return existsSync(path) ? parse(readFileSync(path, "utf8")) : [{ name: "as it is" }];
}

/** A copy of the area's project that the two programs may work in. */
export function copyArea(area: string, question: Question): string {
  const dir = join(tempDir("area"), area);
  cpSync(join(projectsDir, area), dir, { recursive: true, verbatimSymlinks: true });
  // It is no part of the project, and a `local` source of the whole folder would contain it.
  rmSync(join(dir, "ask.yaml"), { force: true });
  if (question.root) writeRoot(join(dir, "root"));
  setModes(dir);
  return dir;
}

/** What a clone leaves to the umask. */
function setModes(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) setModes(path);
    else if (entry.isFile()) chmodSync(path, lstatSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Names of the elements of the project in `dir` that can be shown, relative to its element path. */
export function shownElements(dir: string): string[] {
  const base = join(dir, parse(readFileSync(join(dir, "project.conf"), "utf8"))["element-path"] ?? ".");
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".bst") && !belongsToSubproject(base, name))
    .filter((name) => !/^kind: (junction|link)$/m.test(readFileSync(join(base, name), "utf8")))
    .sort();
}

function belongsToSubproject(base: string, name: string): boolean {
  const folders = name.split("/").slice(0, -1);
  return folders.some((_, index) => existsSync(join(base, ...folders.slice(0, index + 1), "project.conf")));
}
