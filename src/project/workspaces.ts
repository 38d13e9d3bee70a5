/** The workspaces that are open in a project, and the file in each that leads back to it. */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { LoadError, systemErrorCode } from "../base/errors.ts";
import { emitYaml } from "../yaml/emit.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { OpenWorkspace } from "./session.ts";

/** The file in a workspace that names its project and element. */
export const WORKSPACE_CONF = ".bstproject.yaml";

const FORMAT_VERSION = 4;
const CONF_FORMAT_VERSION = 1;

interface Entry {
  /** As it is stored: relative to the project where it lies inside. */
  readonly path: string;
  readonly lastBuild: string | undefined;
}

export class Workspaces {
  private readonly directory: string;
  private entries: Map<string, Entry>;

  /** @param directory absolute path of the toplevel project */
  constructor(directory: string) {
    this.directory = directory;
    this.entries = this.load();
  }

  /** Full names of the elements that have workspaces, in the order in which these were opened. */
  names(): string[] {
    return [...this.entries.keys()];
  }

  find(element: string): OpenWorkspace | undefined {
    const entry = this.entries.get(element);
    return entry && { path: resolve(this.directory, entry.path), lastBuild: entry.lastBuild };
  }

  /**
   * Records a workspace, and marks its folder.
   * @returns whether the folder had such a mark already, from its sources or of another workspace
   */
  open(element: string, path: string): boolean {
    const inside = relative(this.directory, path);
    const stored = inside.startsWith("..") || inside === "" ? path : inside;
    this.change((entries) => entries.set(element, { path: stored, lastBuild: undefined }));
    const marks = readMarks(path);
    const isMarked = marks.some((mark) => mark.project === this.directory && mark.element === element);
    if (!isMarked) writeMarks(path, [...marks, { project: this.directory, element }]);
    return marks.length > 0;
  }

  /** Forgets a workspace; its folder stays. */
  close(element: string): void {
    const workspace = this.find(element);
    this.change((entries) => entries.delete(element));
    if (workspace !== undefined) rmSync(join(workspace.path, WORKSPACE_CONF), { force: true });
  }

  /** @param key undefined to have the next build start from the sources alone */
  setLastBuild(element: string, key: string | undefined): void {
    if (this.entries.get(element)?.lastBuild === key) return;
    this.change((entries) => {
      const entry = entries.get(element);
      if (entry !== undefined) entries.set(element, { ...entry, lastBuild: key });
    });
  }

  private get path(): string {
    return join(this.directory, ".bst2", "workspaces.yml");
  }

  /** Another process may have opened workspaces meanwhile: its entries stay. */
  private change(edit: (entries: Map<string, Entry>) => void): void {
    this.entries = this.load();
    edit(this.entries);
    const workspaces: Record<string, Plain> = {};
    for (const [element, { path, lastBuild }] of this.entries) {
      workspaces[element] = { path, ...(lastBuild !== undefined && { last_build: lastBuild }) };
    }
    mkdirSync(dirname(this.path), { recursive: true });
    writeAtomic(this.path, emitYaml({ "format-version": String(FORMAT_VERSION), workspaces }));
  }

  private load(): Map<string, Entry> {
    const node = parse(this.path, "workspaces.yml");
    if (node === undefined) return new Map();
    const version = node.int("format-version") ?? 0;
    if (version !== FORMAT_VERSION) {
      throw node.error(`Workspaces in format ${version} are not supported: ${FORMAT_VERSION} is`, {
        detail: "Open the workspaces again.",
      });
    }
    const workspaces = node.mapping("workspaces");
    return new Map(
      (workspaces?.keys() ?? []).map((element) => {
        const entry = workspaces?.mapping(element);
        const path = entry?.required("path", entry.string("path")) ?? "";
        return [element, { path, lastBuild: entry?.string("last_build") || undefined }];
      }),
    );
  }
}

/** The project and element that a workspace's folder belongs to. */
export function workspaceProject(directory: string): { directory: string; workspaceElement: string } {
  const [first] = readMarks(directory);
  if (first === undefined) {
    throw new LoadError("invalid-data", `${join(directory, WORKSPACE_CONF)} names no project`);
  }
  return { directory: first.project, workspaceElement: first.element };
}

/** Whose workspace a folder is. */
interface Mark {
  /** Absolute path. */
  readonly project: string;
  readonly element: string;
}

function readMarks(directory: string): Mark[] {
  const node = parse(join(directory, WORKSPACE_CONF), WORKSPACE_CONF);
  return (node?.sequence("projects")?.mappings() ?? []).map((project) => ({
    project: project.required("project-path", project.string("project-path")),
    element: project.required("element-name", project.string("element-name")),
  }));
}

function writeMarks(directory: string, marks: readonly Mark[]): void {
  const projects = marks.map(({ project, element }) => ({ "project-path": project, "element-name": element }));
  writeAtomic(join(directory, WORKSPACE_CONF), emitYaml({ projects, "format-version": String(CONF_FORMAT_VERSION) }));
}

/** Undefined where there is no such file. */
function parse(path: string, name: string): MappingNode | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  return parseYaml(text, { path, shortName: name, displayName: name });
}

function writeAtomic(path: string, text: string): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, target);
}
