/** The `shell` section of project.conf: what `bst-ts shell` starts, and what of the host it sees. */
import type { MappingNode, Node } from "../yaml/node.ts";
import { expandVariables } from "./user-paths.ts";

export interface HostMount {
  /** Absolute path in the sandbox. */
  readonly path: string;
  /** Absolute path on the host. */
  readonly hostPath: string;
  /** Whether it may be missing on the host. */
  readonly optional: boolean;
}

export interface ShellConfig {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly hostFiles: readonly HostMount[];
}

export function shellConfig(node: MappingNode): ShellConfig {
  node.validateKeys(new Set(["command", "environment", "host-files"]));
  const environment: Record<string, string> = {};
  const variables = node.mapping("environment");
  for (const key of variables?.keys() ?? [])
    environment[key] = expandVariables(variables?.string(key) ?? "", process.env);
  return {
    command: node.strings("command") ?? [],
    environment,
    hostFiles: (node.sequence("host-files")?.items ?? []).map(hostMount),
  };
}

function hostMount(node: Node): HostMount {
  if (node.type === "scalar") return shellMount(node.value);
  if (node.type !== "mapping") throw node.error("A host file is a path or a dictionary");
  node.validateKeys(new Set(["path", "host_path", "optional"]));
  const path = node.required("path", node.string("path"));
  return shellMount(path, node.string("host_path"), node.bool("optional"));
}

/** Something of the host for the shell; variables in both paths are those of this process. */
export function shellMount(path: string, hostPath = path, optional = false): HostMount {
  return { path: expandVariables(path, process.env), hostPath: expandVariables(hostPath, process.env), optional };
}
