/** Writes refs to where a project keeps them: beside the sources, or in project.refs and junction.refs. */
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import type { Element } from "../project/element.ts";
import type { Ref } from "../project/source-kind.ts";
import type { ElementSource } from "../project/sources.ts";
import { editYaml, type YamlEdit } from "../yaml/edit.ts";
import { MappingNode, type Node, type Plain, type SourceFile } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";

type Path = readonly (string | number)[];

/** For the refs of one session: it remembers the files as they were loaded, to find in them what nodes come from. */
export class RefWriter {
  private readonly loaded = new Map<string, MappingNode>();

  /**
   * Writes a ref of a source.
   * @throws BstError domain source, reasons tracking-junction-fragment and save-ref-error
   */
  save(element: Element, source: ElementSource, ref: Ref): void {
    const fields = source.source.refFields(ref);
    const { toplevel } = element.project;
    if (toplevel.refStorage === "project.refs") this.saveApart(element, source, fields);
    else this.saveInline(element, source, fields);
  }

  private saveApart(element: Element, { index }: ElementSource, fields: Fields): void {
    const { project, name, kind } = element;
    const { toplevel } = project;
    const [refs, basename] =
      kind === "junction" ? [toplevel.junctionRefs, "junction.refs"] : [toplevel.refs, "project.refs"];
    const file = refs?.path ?? join(toplevel.directory, basename);
    const node = refs?.lookup(project.name, name, index);
    if (node !== undefined) {
      this.saveToNode(node, fields);
      return;
    }
    const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    // As it was loaded: what this adds must not move what is looked for later.
    this.remember({ path: file, shortName: basename, displayName: basename });
    writeRef(file, [{ path: ["projects", project.name, name, index], value: present as Plain }]);
  }

  private saveInline(element: Element, { node }: ElementSource, fields: Fields): void {
    const { toplevel } = element.project;
    if (node.isSynthetic) {
      throw new BstError("source", `${element.fullName}: The ref cannot be written, since no file has the source`);
    }
    if (node.file.project !== toplevel) {
      throw new BstError("source", `${node.provenance}: A source in a fragment of another project cannot be tracked`, {
        reason: "tracking-junction-fragment",
        detail: "Track it in that project, or set 'ref-storage: project.refs' in this one.",
      });
    }
    this.saveToNode(node, fields);
  }

  /** Writes what differs; the parts of a node may be in several files. */
  private saveToNode(node: MappingNode, fields: Fields): void {
    const edits = new Map<string, YamlEdit[]>();
    for (const [key, value] of Object.entries(fields)) {
      const old = node.get(key);
      if (isSame(old, value)) continue;
      // A value that is there is changed where it stands, which may be another file than its dictionary's. What other
      // projects have is not changed, but replaced in the dictionary.
      const changed = old !== undefined && old.file.project === node.file.project ? old : undefined;
      const { file } = changed ?? node;
      const path = changed === undefined ? [...this.locate(node), key] : this.locate(changed);
      edits.set(file.path, [...(edits.get(file.path) ?? []), { path, value }]);
    }
    for (const [path, list] of edits) writeRef(path, list);
  }

  /** Where in its file a node stands. */
  private locate(node: Node): Path {
    const path = find(this.remember(node.file), node);
    if (path !== undefined) return path;
    throw new BstError("source", `${node.provenance}: The file was changed while the source was tracked`, {
      reason: "save-ref-error",
    });
  }

  /** The content of a file before anything was written to it. */
  private remember(file: SourceFile): MappingNode {
    let tree = this.loaded.get(file.path);
    if (tree === undefined) {
      tree = existsSync(file.path) ? parseYaml(readFileSync(file.path, "utf8"), file) : MappingNode.empty;
      this.loaded.set(file.path, tree);
    }
    return tree;
  }
}

type Fields = Readonly<Record<string, Plain | undefined>>;

function isSame(node: Node | undefined, value: Plain | undefined): boolean {
  if (node === undefined || value === undefined) return node === value;
  return JSON.stringify(node.toPlain()) === JSON.stringify(value);
}

/** Nodes that were composed keep the place of what they were composed of. */
function find(tree: Node, node: Node): Path | undefined {
  if (tree.type === node.type && tree.line === node.line && tree.column === node.column) return [];
  if (tree.type === "scalar") return undefined;
  const children = tree.type === "mapping" ? tree.entries : tree.items.entries();
  for (const [key, child] of children) {
    const path = find(child, node);
    if (path !== undefined) return [key, ...path];
  }
  return undefined;
}

function writeRef(path: string, edits: readonly YamlEdit[]): void {
  let temporary: string | undefined;
  try {
    const exists = existsSync(path);
    const target = exists ? realpathSync(path) : path;
    const text = editYaml(exists ? readFileSync(target, "utf8") : "", edits);
    temporary = `${target}.${process.pid}`;
    writeFileSync(temporary, text, exists ? { mode: statSync(target).mode } : {});
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw new BstError(
      "source",
      `The ref cannot be written to '${path}': ${error instanceof Error ? error.message : error}`,
      {
        reason: "save-ref-error",
        cause: error,
      },
    );
  }
}
