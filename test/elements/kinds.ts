/** Projects that take element kinds from plugins; as the folder with these is empty, elements say all that plugins default to. */
import { stringify } from "yaml";
import { type FileContent, project } from "../helpers.ts";

export function pluginProject(
  kinds: readonly string[],
  elements: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, FileContent>> = {},
): string {
  const plugins = [{ origin: "local", path: "plugins", elements: kinds }];
  const texts = Object.entries(elements).map(([name, element]) => [`${name}.bst`, stringify(element)]);
  return project({
    "project.conf": stringify({ name: "test", "min-version": "2.0", environment: { PATH: "/usr/bin" }, plugins }),
    "plugins/": "",
    ...Object.fromEntries(texts),
    ...files,
  });
}

export const imported = (path: string, more = {}) => ({ kind: "import", sources: [{ kind: "local", path }], ...more });
