/** Options and texts that several commands share. */
import { flag, remotes } from "./types.ts";

export const NEW_FILE = { type: "any" } as const;
export const FOLDER = { type: "directory", readable: true } as const;
export const ELEMENT = { kind: "element" } as const;
export const ARTIFACT = { kind: "artifact" } as const;
export const IMAGE = { kind: "image" } as const;
export const TEXT = { kind: "text" } as const;

export const COMPRESSIONS = ["gz", "xz", "bz2"] as const;

export const force = flag("-f --force", "Overwrite files that exist");

export const artifactRemotes = {
  both: remotes("--artifact-remote", "all", "Push artifacts to and pull them from this server"),
  pull: remotes("--artifact-remote", "pull", "Pull artifacts from this server"),
  push: remotes("--artifact-remote", "push", "Push artifacts to this server"),
};

export const sourceRemotes = {
  both: remotes("--source-remote", "all", "Push sources to and pull them from this server"),
  pull: remotes("--source-remote", "pull", "Pull sources from this server"),
  push: remotes("--source-remote", "push", "Push sources to this server"),
};

export const ignoreProjectArtifactRemotes = flag(
  "--ignore-project-artifact-remotes",
  "Leave out the artifact servers that projects recommend",
);

export const ignoreProjectSourceRemotes = flag(
  "--ignore-project-source-remotes",
  "Leave out the source servers that projects recommend",
);

/** The paragraphs on targets, with what is done to them. */
export function targets(done: string): string[] {
  return [
    `Without arguments, the project's default targets are ${done}, or all of its elements if it has none. ` +
      "In the folder of a workspace, the workspace's element is the default.",
  ];
}

export const DEPS = [
  "--deps says which of the targets' dependencies are meant:",
  " none   only the targets themselves\n" +
    " run    the targets and what they need at run time\n" +
    " build  what is needed to build the targets, without these\n" +
    " all    the targets and all dependencies",
];
