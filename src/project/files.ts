/** Reading YAML files, each once. */
import { readFileSync } from "node:fs";
import { LoadError, systemErrorCode } from "../base/errors.ts";
import type { MappingNode, SourceFile } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { Project } from "./project.ts";

export class YamlFiles {
  /**
   * Reads a file.
   * @param shortName how the user knows it; messages name it so
   * @throws LoadError missing-file, loading-directory, invalid-yaml
   */
  load(path: string, shortName: string, project?: Project): MappingNode {
    const junction = project?.junction;
    const file: SourceFile = {
      path,
      shortName,
      displayName: junction === undefined ? shortName : `${junction.name}:${shortName}`,
      project,
    };
    return parseYaml(readText(path), file);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new LoadError("missing-file", `There is no file ${path}`, { cause: error });
    }
    if (code === "EISDIR") throw new LoadError("loading-directory", `${path} is a directory`, { cause: error });
    throw error;
  }
}
