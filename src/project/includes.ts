/** `(@)`: files whose content goes under the dictionary that includes them. */
import { resolve } from "node:path";
import { LoadError } from "../base/errors.ts";
import { composeUnder } from "../yaml/compose.ts";
import { type MappingNode, type Node, type ScalarNode, SequenceNode } from "../yaml/node.ts";
import { stripped } from "../yaml/strip.ts";
import type { Loader } from "./loader.ts";
import { Variables } from "./variables.ts";

export interface IncludeOptions {
  /** Leave out what another project has. */
  readonly onlyLocal?: boolean;
  /** Whether to process `(?)` before what is included; project.conf does it afterwards. */
  readonly conditionals?: boolean;
  /** Is given the absolute paths of the files that were included. */
  readonly files?: Set<string>;
}

interface State {
  readonly loader: Loader;
  readonly onlyLocal: boolean;
  readonly conditionals: boolean;
  readonly files: Set<string> | undefined;
  /** Paths of the files being included. */
  readonly open: ReadonlySet<string>;
}

/** Includes for the files of one project. */
export class Includes {
  private readonly loader: Loader;
  private readonly loaded = new Map<string, MappingNode>();

  constructor(loader: Loader) {
    this.loader = loader;
  }

  /** The dictionary with everything included, at any depth. */
  process(node: MappingNode, options: IncludeOptions = {}): MappingNode {
    return this.processFile(node, {
      loader: this.loader,
      onlyLocal: options.onlyLocal ?? false,
      conditionals: options.conditionals ?? true,
      files: options.files,
      open: new Set(),
    });
  }

  private processFile(node: MappingNode, state: State): MappingNode {
    if (!node.directives) return node;
    return this.processMapping(state.conditionals ? state.loader.project.options.process(node) : node, state);
  }

  private processMapping(node: MappingNode, state: State): MappingNode {
    if (!node.directives) return node;
    let result = node;
    const directive = node.get("(@)");
    // An empty list is left in place, to be reported as a key that nobody knows, as BuildStream does.
    if (directive !== undefined && !isEmptyList(directive)) {
      result = result.without("(@)");
      for (const name of includedNames(directive).reverse()) {
        if (state.onlyLocal && name.value.includes(":")) continue;
        const { content, path, loader } = this.load(name, state.loader);
        state.files?.add(path);
        if (state.open.has(path)) {
          throw directive.error(`The file ${path} includes itself`, { reason: "recursive-include" });
        }
        const included = this.processFile(content, {
          ...state,
          loader,
          conditionals: state.conditionals || loader !== state.loader,
          open: new Set(state.open).add(path),
        });
        result = composeUnder(result, included);
      }
    }
    if (!result.directives) return result;
    const entries = new Map<string, Node>();
    for (const [key, value] of result.entries) entries.set(key, this.processValue(value, state));
    return result.withEntries(entries);
  }

  private processValue(node: Node, state: State): Node {
    if (node.type === "scalar" || !node.directives) return node;
    if (node.type === "mapping") return this.processMapping(node, state);
    return node.withItems(node.items.map((item) => this.processValue(item, state)));
  }

  private load(name: ScalarNode, from: Loader): { content: MappingNode; path: string; loader: Loader } {
    const colon = name.value.lastIndexOf(":");
    const loader = colon < 0 ? from : from.loaderFor(name.value.slice(0, colon), name);
    if (loader !== from) loader.project.ensureFullyLoaded();
    const { project } = loader;
    const path = resolve(project.directory, name.value.slice(colon + 1));
    const id = `${project.id}\0${loader === from ? "" : "variables"}\0${path}`;
    let content = this.loaded.get(id);
    if (content === undefined) {
      try {
        content = project.session.files.load(path, name.value, project);
      } catch (error) {
        if (!(error instanceof LoadError)) throw error;
        throw new LoadError(error.reason, `${name.provenance}: ${error.message}`, {
          detail: error.detail,
          cause: error,
        });
      }
      // What comes from another project means that project's variables.
      if (loader !== from) content = stripped(new Variables(project.baseVariables).expand(content));
      this.loaded.set(id, content);
    }
    return { content, path, loader };
  }
}

function isEmptyList(node: Node): boolean {
  return node instanceof SequenceNode && node.items.length === 0;
}

function includedNames(directive: Node): ScalarNode[] {
  if (directive.type === "scalar") return [directive];
  if (directive instanceof SequenceNode) return directive.scalars();
  throw directive.error("Value of '(@)' must be the name of a file or a list of names");
}
