/** A folder with a plugin, and beside the plugin the defaults of its kind. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface PluginLocation {
  /** Absolute path of the folder with the plugin. */
  readonly directory: string;
  /** Absolute path of the YAML file with the defaults of an element kind; undefined where it has none. */
  readonly defaults: string | undefined;
}

export function inDirectory(directory: string, kind: string): PluginLocation {
  const defaults = join(directory, `${kind}.yaml`);
  return { directory, defaults: existsSync(defaults) ? defaults : undefined };
}
