/** Completion of elements and artifacts, from the project's folder and the cache, without loading either. */
import { existsSync, type PathLike, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { completePath } from "./paths.ts";

/** What the command line says on where to look. */
export interface Places {
  /** The project's folder. */
  readonly directory: string | undefined;
  /** The user configuration. */
  readonly config: string | undefined;
}

/** Elements, and folders that may have some, whose path begins as given or that are in the folder given. */
export function listElements(incomplete: string, { directory }: Places): string[] {
  const project = directory ?? findProject(process.cwd());
  if (project === undefined) return [];
  const values = readMapping(join(project, "project.conf"));
  if (values === undefined) return [];
  const { "element-path": path } = values;
  const base = typeof path === "string" ? join(project, path) : project;
  return completePath(incomplete, { base }).filter((entry) => /(?:\.bst |\/)$/.test(entry));
}

/** Artifacts in the cache, as `<project>/<element>/<key>`. */
export function listArtifacts(incomplete: string, { config }: Places): string[] {
  const refs = join(cacheDirectory(config), "artifacts", "refs");
  const found: string[] = [];
  const walk = (folder: string) => {
    for (const entry of readFolder(join(refs, folder))) {
      const path = folder + entry.name;
      if (!entry.isDirectory()) found.push(path);
      else if (path.startsWith(incomplete) || incomplete.startsWith(`${path}/`)) walk(`${path}/`);
    }
  };
  walk("");
  return found.sort();
}

function findProject(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "project.conf"))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function cacheDirectory(config: string | undefined): string {
  const { XDG_CACHE_HOME, XDG_CONFIG_HOME } = process.env;
  const configHome = XDG_CONFIG_HOME || join(homedir(), ".config");
  const path =
    config ?? ["buildstream2.conf", "buildstream.conf"].map((name) => join(configHome, name)).find(existsSync);
  const values = path === undefined ? undefined : readMapping(path);
  const cacheHome = XDG_CACHE_HOME || join(homedir(), ".cache");
  const { cachedir: given } = values ?? {};
  if (typeof given !== "string") return join(cacheHome, "buildstream");
  return resolve(
    given.replace(/^~(?=\/|$)/, homedir()).replace(/\$(?:\{(\w+)\}|(\w+))/g, (text, braced, bare) => {
      const name: string = braced ?? bare;
      return process.env[name] ?? (name === "XDG_CACHE_HOME" ? cacheHome : text);
    }),
  );
}

/** The toplevel values of a YAML file, or undefined where it cannot be read. */
function readMapping(path: string): Record<string, unknown> | undefined {
  try {
    const values: unknown = parse(readFileSync(path, "utf8"));
    return typeof values === "object" && values !== null ? { ...values } : {};
  } catch {
    return undefined; // A project that does not load has nothing to offer.
  }
}

function readFolder(path: PathLike) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
