/** BuildStream's plugin packages, as the reference installation has them, for projects of tests. */
import { cpSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const { BST_ORACLE = join(homedir(), ".cache/bst-ts-oracle") } = process.env;

const packages = ["buildstream_plugins", "buildstream_plugins_community"] as const;

export type PluginType = "elements" | "sources";

/** Absolute path of the folder that a package of plugins is installed in; undefined where it is not. */
export function packageDirectory(name: (typeof packages)[number]): string | undefined {
  const lib = join(BST_ORACLE, "venv/lib");
  for (const python of readdirSync(lib)) {
    const directory = join(lib, python, "site-packages", name);
    try {
      readdirSync(directory);
      return directory;
    } catch {
      // Another Python's.
    }
  }
  return undefined;
}

/** Copies the plugins that a project takes kinds from to its folder `plugins`. */
export function copyPlugins(project: string, type: PluginType): void {
  for (const name of packages) {
    const directory = packageDirectory(name);
    if (directory === undefined) throw new Error(`${name} is not installed with the reference`);
    cpSync(join(directory, type), join(project, "plugins", name, type), { recursive: true });
  }
}

/** The `plugins` of a project.conf, for kinds by package. */
export function pluginOrigins(
  type: PluginType,
  kinds: Readonly<Partial<Record<(typeof packages)[number], readonly string[]>>>,
) {
  return Object.entries(kinds).map(([name, names]) => ({
    origin: "local",
    path: `plugins/${name}/${type}`,
    [type]: [...names],
  }));
}
