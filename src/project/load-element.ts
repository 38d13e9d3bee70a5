/** An element file as loaded: its node and the elements that it depends on, before anything is resolved. */
import { BstError, LoadError } from "../base/errors.ts";
import type { MappingNode, Node, ScalarNode } from "../yaml/node.ts";
import type { DependencyType } from "./dependencies.ts";
import type { Element } from "./element.ts";
import type { Loader } from "./loader.ts";

/** A dependency whose element is loaded. */
export interface Dependency {
  readonly element: LoadElement;
  type: DependencyType;
  strict: boolean;
  configs: readonly MappingNode[];
  /** `junction.bst:name.bst` or `name.bst`, as declared. */
  readonly path: string;
  readonly node: Node;
}

const KEYS = new Set([
  "kind",
  "depends",
  "sources",
  "sandbox",
  "variables",
  "environment",
  "environment-nocache",
  "config",
  "public",
  "description",
  "build-depends",
  "runtime-depends",
]);

export class LoadElement {
  readonly node: MappingNode;
  /** Name within its project. */
  readonly name: string;
  /** Name with the junctions that lead to it. */
  readonly fullName: string;
  readonly kind: string;
  readonly loader: Loader;
  /** Absolute paths of the files that it is declared in: its own, and those that it includes. */
  readonly files: readonly string[];
  /** The target of an element of kind `link`. */
  readonly linkTarget: ScalarNode | undefined;
  dependencies: Dependency[] = [];
  /** Where it stands among all elements, once they are in an order. */
  index = -1;
  /** What it is in the graph, once somebody has asked. */
  element: Element | undefined;
  /** Whether the loading of its dependencies began. */
  isVisited = false;
  private isFollowed = false;

  constructor(node: MappingNode, name: string, loader: Loader, files: readonly string[]) {
    node.validateKeys(KEYS);
    this.node = node;
    this.name = name;
    this.loader = loader;
    this.files = files;
    const junction = loader.project.junction;
    this.fullName = junction === undefined ? name : `${junction.fullName}:${name}`;
    this.kind = node.required("kind", node.string("kind"));
    this.linkTarget = this.kind === "link" ? linkTarget(this) : undefined;
  }

  /** Junctions and links are resolved before the project's own includes can be. */
  get isFirstPass(): boolean {
    return this.kind === "junction" || this.kind === "link";
  }

  get project() {
    return this.loader.project;
  }

  /**
   * Looks for what a link leads to.
   * @throws LoadError circular-reference where the way leads back to this link
   */
  follow<T>(target: ScalarNode, find: () => T): T {
    if (this.isFollowed) throw target.error("The link leads back to itself", { reason: "circular-reference" });
    this.isFollowed = true;
    try {
      return find();
    } finally {
      this.isFollowed = false;
    }
  }
}

function linkTarget(element: LoadElement): ScalarNode {
  const { node } = element;
  for (const key of ["depends", "build-depends", "runtime-depends"]) {
    if ((node.sequence(key)?.items.length ?? 0) > 0) {
      throw new LoadError("link-forbidden-dependencies", `${node.provenance}: A 'link' cannot have dependencies`);
    }
  }
  if ((node.sequence("sources")?.items.length ?? 0) > 0) {
    throw new BstError("element", `${node.provenance}: A 'link' cannot have sources`, {
      reason: "element-forbidden-sources",
    });
  }
  const config = node.required("config", node.mapping("config"));
  config.validateKeys(new Set(["target"]));
  return config.required("target", config.scalar("target"));
}
