/** Where the plugin of a kind lies that a project takes from elsewhere: its folder, and the file with its defaults. */
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import { pipPlugin } from "./pip-plugins.ts";
import { inDirectory, type PluginLocation } from "./plugin-directory.ts";
import type { PluginOrigin, PluginOrigins } from "./plugins.ts";
import type { Project } from "./project.ts";

/**
 * Undefined for kinds that the project does not take from elsewhere, and for those of a package that is not to be had.
 * @throws BstError domain plugin, reasons junction-plugin-not-found, junction-plugin-load-error, and those of packages;
 *   and what opening a junction throws
 */
export function pluginLocation(project: Project, type: keyof PluginOrigins, kind: string): PluginLocation | undefined {
  const origin = project.plugins[type].get(kind);
  if (origin === undefined) return undefined;
  switch (origin.origin) {
    case "local":
      return inDirectory(join(project.directory, origin.path), kind);
    case "pip":
      return pipPlugin(project, origin, type, kind);
    case "junction":
      return behindJunction(project, origin, type, kind);
  }
}

function behindJunction(
  project: Project,
  { junction, node }: PluginOrigin & { origin: "junction" },
  type: keyof PluginOrigins,
  kind: string,
): PluginLocation | undefined {
  const subproject = project.loader.loaderFor(junction, node).project;
  if (!subproject.plugins[type].has(kind)) {
    throw new BstError(
      "plugin",
      `${node.provenance}: The project '${subproject.name}' behind the junction '${junction}' declares no plugin '${kind}'`,
      { reason: "junction-plugin-not-found" },
    );
  }
  try {
    return pluginLocation(subproject, type, kind);
  } catch (error) {
    if (!(error instanceof BstError) || error.domain !== "plugin") throw error;
    throw new BstError(
      "plugin",
      `${node.provenance}: The plugin '${kind}' of the project '${subproject.name}' cannot be had: ${error.message}`,
      {
        reason: "junction-plugin-load-error",
        cause: error,
        ...(error.detail !== undefined && { detail: error.detail }),
      },
    );
  }
}
