/** project.refs and junction.refs: the refs of sources, kept apart from the elements. */
import { join } from "node:path";
import { LoadError } from "../base/errors.ts";
import { assertFullyComposed } from "../yaml/compose.ts";
import { MappingNode } from "../yaml/node.ts";
import type { OptionPool } from "./options.ts";
import type { Project } from "./project.ts";

export class ProjectRefs {
  /** Absolute path of the file, which may not exist yet. */
  readonly path: string;
  private readonly node: MappingNode;

  private constructor(path: string, node: MappingNode) {
    this.path = path;
    this.node = node;
  }

  static load(project: Project, name: "project.refs" | "junction.refs", options: OptionPool): ProjectRefs {
    const path = join(project.directory, name);
    let node = MappingNode.empty;
    try {
      node = options.process(project.session.files.load(path, name));
      assertFullyComposed(node);
    } catch (error) {
      if (!(error instanceof LoadError) || error.reason !== "missing-file") throw error;
    }
    node.validateKeys(new Set(["projects"]));
    return new ProjectRefs(path, node);
  }

  /** The node that holds the ref of a source, if there is one. */
  lookup(project: string, element: string, index: number): MappingNode | undefined {
    const sources = this.node.mapping("projects")?.mapping(project)?.sequence(element);
    const node = sources?.items[index];
    if (node !== undefined && node.type !== "mapping") throw node.error("A source's ref must be a dictionary");
    return node;
  }
}
