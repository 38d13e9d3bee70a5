/** The version of the package that a plugin belongs to, as files around it tell. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { rememberedBy } from "../base/remember.ts";
import { pluginLocation } from "./plugin-location.ts";
import type { PluginOrigins } from "./plugins.ts";
import type { Project } from "./project.ts";
import type { LoadSession } from "./session.ts";

/** Packages have their plugins at `src/<package>/<type>`. */
const LEVELS = 4;

/**
 * The version, such as `2.3.1`, of the package that a project takes a kind from; undefined where nothing tells it.
 * @throws what {@link pluginLocation} throws
 */
export function packageVersion(project: Project, type: keyof PluginOrigins, kind: string): string | undefined {
  const location = pluginLocation(project, type, kind);
  if (location === undefined) return undefined;
  const versions = known(project.session);
  if (!versions.has(location.directory)) versions.set(location.directory, versionAround(location.directory));
  return versions.get(location.directory);
}

const known = rememberedBy((_session: LoadSession) => new Map<string, string | undefined>());

function versionAround(directory: string): string | undefined {
  let place = directory;
  for (let level = 0; level < LEVELS; level++) {
    const version = inSourceArchive(place) ?? inInstallation(place) ?? inNews(place);
    if (version !== undefined) return version;
    place = dirname(place);
  }
  return undefined;
}

function inSourceArchive(directory: string): string | undefined {
  return /^Version: *(\S+)/m.exec(read(join(directory, "PKG-INFO")))?.[1];
}

/** An installed package has a folder with its version beside it. */
function inInstallation(directory: string): string | undefined {
  const name = basename(directory);
  for (const entry of list(dirname(directory))) {
    const match = /^(.+)-([^-]+)\.dist-info$/.exec(entry);
    if (match !== null && match[1]?.replaceAll(/[-.]/g, "_").toLowerCase() === name.toLowerCase()) return match[2];
  }
  return undefined;
}

/** What a repository says: the first release that its news tell of. */
function inNews(directory: string): string | undefined {
  return /^\S+ (\d+(?:\.\d+)+)\s*$/m.exec(read(join(directory, "NEWS")))?.[1];
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function list(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
