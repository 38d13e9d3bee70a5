/** The workspaces that are open in a project, and the file in each that leads back to it. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { LoadError } from "../base/errors.ts";
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
  private readonly entries: Map<string, Entry>;

  /** @param directory absolute path of the toplevel project */
  constructor(directory: string) {
    this.directory = directory;
    this.entries = this.load();
  }

  /** Full names of elements with their workspaces, in the order in which these were opened. */
  *list(): Iterable<[element: string, workspace: OpenWorkspace]> {
    for (const name of this.entries.keys()) {
      const workspace = this.find(name);
      if (workspace !== undefined) yield [name, workspace];
    }
  }

  find(element: string): OpenWorkspace | undefined {
    const entry = this.entries.get(element);
    return entry && { path: resolve(this.directory, entry.path), lastBuild: entry.lastBuild };
  }

  /** Records a workspace, and marks its folder. */
  open(element: string, path: string): void {
    const inside = path.startsWith(this.directory);
    this.entries.set(element, { path: inside ? relative(this.directory, path) : path, lastBuild: undefined });
    const conf = readConf(path);
    const projects = [...(conf?.projects ?? []), { "project-path": this.directory, "element-name": element }];
    writeAtomic(join(path, WORKSPACE_CONF), emitYaml({ projects, "format-version": String(CONF_FORMAT_VERSION) }));
    this.save();
  }

  /** Forgets a workspace; its folder stays. */
  close(element: string): void {
    const workspace = this.find(element);
    this.entries.delete(element);
    if (workspace !== undefined) rmSync(join(workspace.path, WORKSPACE_CONF), { force: true });
    this.save();
  }

  setLastBuild(element: string, key: string | undefined): void {
    const entry = this.entries.get(element);
    if (entry === undefined) return;
    this.entries.set(element, { ...entry, lastBuild: key });
    this.save();
  }

  private get path(): string {
    return join(this.directory, ".bst2", "workspaces.yml");
  }

  private load(): Map<string, Entry> {
    if (!existsSync(this.path)) return new Map();
    const node = parse(this.path, "workspaces.yml");
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
        return [element, { path: entry?.string("path") ?? "", lastBuild: entry?.string("last_build") || undefined }];
      }),
    );
  }

  private save(): void {
    const workspaces: Record<string, Plain> = {};
    for (const [element, { path, lastBuild }] of this.entries) {
      workspaces[element] = { path, ...(lastBuild !== undefined && { last_build: lastBuild }) };
    }
    mkdirSync(dirname(this.path), { recursive: true });
    writeAtomic(this.path, emitYaml({ "format-version": String(FORMAT_VERSION), workspaces }));
  }
}

/** The project and element that a workspace's folder belongs to. */
export function workspaceProject(directory: string): { directory: string; workspaceElement: string } {
  const first = readConf(directory)?.projects[0];
  if (first === undefined) {
    throw new LoadError("invalid-data", `${join(directory, WORKSPACE_CONF)} names no project`);
  }
  return { directory: first["project-path"], workspaceElement: first["element-name"] };
}

interface Conf {
  readonly projects: readonly { readonly "project-path": string; readonly "element-name": string }[];
}

function readConf(directory: string): Conf | undefined {
  const path = join(directory, WORKSPACE_CONF);
  if (!existsSync(path)) return undefined;
  const node = parse(path, WORKSPACE_CONF);
  return {
    projects: (node.sequence("projects")?.mappings() ?? []).map((project) => ({
      "project-path": project.required("project-path", project.string("project-path")),
      "element-name": project.required("element-name", project.string("element-name")),
    })),
  };
}

function parse(path: string, name: string): MappingNode {
  return parseYaml(readFileSync(path, "utf8"), { path, shortName: name, displayName: name });
}

function writeAtomic(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
