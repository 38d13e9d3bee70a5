/** The package as a library: `import { loadProject } from "bst-ts"`. It is bundled into dist/api.js. */
import { resolve } from "node:path";
import { BstError } from "../base/errors.ts";
import { contextIn } from "./context.ts";
import { imagesOf } from "./images.ts";
import { loadProject as load } from "./project.ts";
import type { Images, Options, Project } from "./types.ts";

export type * from "../elements/plugin-types.ts";
export type * from "./types.ts";

/**
 * Loads the project in a folder or above it.
 * @param directory default the current folder
 * @throws BstError
 */
export function loadProject(directory = ".", options: Options = {}): Promise<Project> {
  return load(directory, options);
}

/** Images that are no elements of a project. Paths are relative to the current folder. */
export function openImages(options: Options = {}): Images {
  return imagesOf(() => contextIn(resolve("."), options));
}

/** Whether what was thrown tells of something that a user can cause; anything else is a fault of this program. */
export function isBstError(error: unknown): error is BstError {
  return error instanceof BstError;
}
