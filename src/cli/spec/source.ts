/** Commands on the sources of elements. */
import {
  COMPRESSIONS,
  DEPS,
  ELEMENT,
  FOLDER,
  force,
  ignoreProjectSourceRemotes,
  NEW_FILE,
  sourceRemotes,
  targets,
} from "./common.ts";
import { any, choice, choiceOr, command, elementNames, flag, optional, path, pathOr } from "./types.ts";

const DEPS_CHOICES = ["none", "build", "run", "all"] as const;

export const source = {
  summary: "Work with the sources of elements",
  description: ["Commands on the sources of elements."],
  commands: {
    fetch: command({
      summary: "Download the sources of elements",
      description: ["Downloads the sources that elements are built from.", ...targets("fetched"), ...DEPS],
      options: {
        except: elementNames("--except", "Leave out this element and what only it depends on"),
        deps: choiceOr("-d --deps", DEPS_CHOICES, "none", "Dependencies to fetch as well"),
        sourceRemotes: sourceRemotes.pull,
        ignoreProjectSourceRemotes,
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
    }),
    push: command({
      summary: "Upload the sources of elements",
      description: [
        "Uploads sources to the source servers, after fetching those that are missing.",
        ...targets("pushed"),
        ...DEPS,
      ],
      options: {
        except: elementNames("--except", "Leave out this element and what only it depends on"),
        deps: choiceOr("-d --deps", DEPS_CHOICES, "none", "Dependencies to push as well"),
        sourceRemotes: sourceRemotes.push,
        ignoreProjectSourceRemotes,
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
    }),
    track: command({
      summary: "Look for newer versions of sources",
      description: [
        "Asks where sources come from for their newest versions, and writes the new refs to the project.",
        ...targets("tracked"),
        ...DEPS,
      ],
      options: {
        except: elementNames("--except", "Leave out this element and what only it depends on"),
        deps: choiceOr("-d --deps", ["build", "run", "all", "none"], "none", "Dependencies to track as well"),
        crossJunctions: flag("-J --cross-junctions", "Track elements of other projects as well"),
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
    }),
    checkout: command({
      summary: "Copy the sources of an element to a folder",
      description: [
        "Stages the sources of an element in a folder or a tar archive.",
        "In the folder of a workspace, the workspace's element is the default.",
      ],
      options: {
        force,
        except: elementNames("--except", "Leave out this element and what only it depends on"),
        deps: choiceOr("-d --deps", ["build", "none", "run", "all"], "none", "Dependencies to check out as well"),
        tar: path("--tar", NEW_FILE, "Write a tar archive instead of a folder", { metavar: "LOCATION" }),
        compression: choice("--compression", COMPRESSIONS, "How to compress the archive"),
        includeBuildScripts: flag("--include-build-scripts", "Add a script that builds the element"),
        directory: pathOr("--directory", FOLDER, "source-checkout", "Folder to write to"),
        sourceRemotes: sourceRemotes.pull,
        ignoreProjectSourceRemotes,
      },
      arguments: { element: optional("ELEMENT", ELEMENT) },
    }),
  },
};
