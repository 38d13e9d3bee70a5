/** Commands on artifacts. */
import {
  ARTIFACT,
  artifactRemotes,
  COMPRESSIONS,
  DEPS,
  ELEMENT,
  FOLDER,
  force,
  ignoreProjectArtifactRemotes,
  NEW_FILE,
  targets,
} from "./common.ts";
import { any, choice, choiceOr, command, flag, optional, ownFlag, path, toggle } from "./types.ts";

const DEPS_CHOICES = ["build", "none", "run", "all"] as const;
const ARTIFACTS = any("ARTIFACTS", ARTIFACT);

export const artifact = {
  summary: "Work with artifacts in the cache",
  description: [
    "Commands on artifacts. They are named by the element, whose present cache key is meant, or by " +
      "PROJECT/ELEMENT/KEY.",
    "Patterns may be given: '?' stands for one character, '*' for any number of them within a path component, '**' " +
      "across components. A pattern that ends in '.bst' is one of elements of the project, any other is one of " +
      "artifacts in the cache:",
    " core/*.bst              the elements in the folder core\n" +
      " myproject/hello/8276*   an artifact, by the first digits of its key\n" +
      " myproject/**            all artifacts of a project",
  ],
  commands: {
    show: command({
      summary: "Show which artifacts are in the cache",
      description: ["Shows which artifacts are in the local cache, or could be pulled."],
      options: {
        deps: choiceOr("-d --deps", ["build", "run", "all", "none"], "none", "Dependencies to show as well"),
        artifactRemotes: artifactRemotes.pull,
        ignoreProjectArtifactRemotes,
      },
      arguments: { artifacts: ARTIFACTS },
    }),
    checkout: command({
      summary: "Copy the files of an artifact to a folder",
      description: [
        "Writes the files of an artifact, and of what it needs at run time, to a folder or a tar archive.",
        "In the folder of a workspace, the workspace's element is the default.",
      ],
      options: {
        force,
        deps: choiceOr("-d --deps", ["run", "build", "none", "all"], "run", "Dependencies to check out as well"),
        integrate: toggle("integrate", "Run integration commands"),
        hardlinks: flag("--hardlinks", "Make hard links to the cache instead of copies, where possible"),
        tar: path("--tar", NEW_FILE, "Write a tar archive instead of a folder; '-' is the standard output", {
          metavar: "LOCATION",
        }),
        compression: choice("--compression", COMPRESSIONS, "How to compress the archive"),
        directory: path("--directory", FOLDER, "Folder to write to"),
        artifactRemotes: artifactRemotes.pull,
        ignoreProjectArtifactRemotes,
      },
      arguments: { target: optional("TARGET", ARTIFACT) },
    }),
    pull: command({
      summary: "Download artifacts",
      description: ["Downloads artifacts from the artifact servers.", ...targets("pulled"), ...DEPS],
      options: {
        deps: choiceOr("-d --deps", DEPS_CHOICES, "none", "Dependencies to pull as well"),
        artifactRemotes: artifactRemotes.pull,
        ignoreProjectArtifactRemotes,
      },
      arguments: { artifacts: ARTIFACTS },
    }),
    push: command({
      summary: "Upload artifacts",
      description: [
        "Uploads artifacts to the artifact servers. Where build trees are to be pushed as well and are missing, they " +
          "are pulled first.",
        ...targets("pushed"),
        ...DEPS,
      ],
      options: {
        deps: choiceOr("-d --deps", DEPS_CHOICES, "none", "Dependencies to push as well"),
        artifactRemotes: artifactRemotes.push,
        ignoreProjectArtifactRemotes,
      },
      arguments: { artifacts: ARTIFACTS },
    }),
    log: command({
      summary: "Show the build logs of artifacts",
      description: ["Shows the logs of the builds that made the artifacts."],
      options: {
        out: path(
          "--out",
          { type: "any", readable: true, writable: true },
          "Write one file for each log to this new folder",
        ),
      },
      arguments: { artifacts: ARTIFACTS },
    }),
    "list-contents": command({
      summary: "List the files of artifacts",
      description: ["Lists the files that artifacts consist of."],
      options: { long: flag("-l --long", "Show type, size and permissions as well") },
      arguments: { artifacts: ARTIFACTS },
    }),
    files: command({
      summary: "Show the files of elements, by where they come from",
      description: [
        "Shows the files of elements with their sizes; of images those that their layers make together. With " +
          "--by-element they are grouped by the elements that installed them, the largest first.",
      ],
      options: {
        byElement: ownFlag("--by-element", "Group them by the elements that they come from"),
        summary: ownFlag("--summary", "With --by-element: numbers and sizes only"),
        json: ownFlag("--json", "Print all as JSON"),
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
      own: true,
    }),
    delete: command({
      summary: "Remove artifacts from the local cache",
      description: ["Removes artifacts from the local cache."],
      options: {
        deps: choiceOr("-d --deps", ["none", "run", "build", "all"], "none", "Dependencies to delete as well"),
      },
      arguments: { artifacts: ARTIFACTS },
    }),
  },
};
