/** Paths in configurations: `~`, variables of the environment, and where a user's files are. */
import { homedir } from "node:os";
import { join, normalize } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment with the folders of the XDG base directories, at their usual places where it does not say. */
export function withBaseDirectories(env: Environment): Environment {
  const home = expandHome("~", env);
  return {
    ...env,
    XDG_CACHE_HOME: env["XDG_CACHE_HOME"] || join(home, ".cache"),
    XDG_CONFIG_HOME: env["XDG_CONFIG_HOME"] || join(home, ".config"),
    XDG_DATA_HOME: env["XDG_DATA_HOME"] || join(home, ".local/share"),
  };
}

/** `~` at the beginning as the user's home folder; others' are left as they are. */
export function expandHome(path: string, env: Environment = process.env): string {
  if (path !== "~" && !path.startsWith("~/")) return path;
  const home = (env["HOME"] ?? homedir()).replace(/\/+$/, "");
  return home + path.slice(1) || "/";
}

/** `$NAME` and `${NAME}` by what the environment has; what it has not is left as it is. */
export function expandVariables(text: string, env: Environment): string {
  return text.replace(/\$(?:(\w+)|\{([^}]*)\})/g, (reference, name?: string, braced?: string) => {
    return env[name ?? braced ?? ""] ?? reference;
  });
}

/** Without `.`, `..` and doubled or final slashes. */
export function normalPath(path: string): string {
  const normal = normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}
