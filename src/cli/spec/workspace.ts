/** Commands on workspaces. */
import { ELEMENT, FOLDER, ignoreProjectSourceRemotes, sourceRemotes } from "./common.ts";
import { any, command, flag, path, some } from "./types.ts";

export const workspace = {
  summary: "Work with workspaces",
  description: ["Commands on workspaces: folders with the sources of an element, to be edited and built."],
  commands: {
    open: command({
      summary: "Open workspaces",
      description: ["Puts the sources of elements into folders, from which these elements are then built."],
      options: {
        noCheckout: flag("--no-checkout", "Use the folder as it is instead of putting the sources there"),
        force: flag("-f --force", "Use a folder that is not empty, and replace a workspace that is open"),
        directory: path("--directory", FOLDER, "Folder to use, for a single element"),
        sourceRemotes: sourceRemotes.pull,
        ignoreProjectSourceRemotes,
      },
      arguments: { elements: some("ELEMENTS", ELEMENT) },
    }),
    close: command({
      summary: "Close workspaces",
      description: ["Closes workspaces, after which the elements are built from their own sources again."],
      options: {
        removeDir: flag("--remove-dir", "Remove the folder as well"),
        all: flag("-a --all", "Close all workspaces"),
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
    }),
    reset: command({
      summary: "Undo all changes in workspaces",
      description: ["Puts the original sources into the folders of ELEMENTS, or with --all of all workspaces, again."],
      options: {
        soft: flag("--soft", "Change no file, but configure the element anew when it is built next"),
        all: flag("-a --all", "Reset all workspaces"),
      },
      arguments: { elements: any("ELEMENTS", ELEMENT) },
    }),
    list: command({
      summary: "List workspaces",
      description: ["Lists the workspaces that are open."],
      options: {},
      arguments: {},
    }),
  },
};
