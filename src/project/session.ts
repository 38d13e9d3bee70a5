/** What all projects of one invocation share while they load. */
import type { Messenger } from "../base/messages.ts";
import type { Digest } from "../cas/digest.ts";
import type { MappingNode, Node } from "../yaml/node.ts";
import type { ElementKind } from "./element-kind.ts";
import type { YamlFiles } from "./files.ts";
import type { JunctionConfig } from "./junction.ts";
import type { LoadElement } from "./load-element.ts";
import type { PluginModule } from "./plugin-modules.ts";
import type { Project } from "./project.ts";
import type { LocalTreeOptions, SourceKind } from "./source-kind.ts";
import type { UserConfig } from "./user-config.ts";

/** The kinds that elements and sources can have. */
export interface Kinds {
  readonly elements: ReadonlyMap<string, ElementKind>;
  readonly sources: ReadonlyMap<string, SourceKind>;
  /** By domain, what checks public data that elements declare; throws LoadErrors. */
  readonly publicData: ReadonlyMap<string, (data: MappingNode) => void>;
  /** Folders of the user's with plugins for this program. */
  readonly pluginPaths: readonly string[];
  /** Plugins that are loaded, by absolute path; more are added while projects load. */
  readonly modules: Map<string, PluginModule>;
  /** What the functions of plugins are given. */
  readonly pluginApi: unknown;
}

/** A workspace that is open on an element. */
export interface OpenWorkspace {
  /** Absolute path of the folder that is worked in. */
  readonly path: string;
  /** Key of the last successful build in it, for incremental builds. */
  readonly lastBuild: string | undefined;
}

export interface LoadSession {
  readonly config: UserConfig;
  readonly kinds: Kinds;
  readonly files: YamlFiles;
  readonly messenger: Messenger;
  /** `-o NAME VALUE`. */
  readonly options: readonly (readonly [name: string, value: string])[];
  /** The value of `max-jobs`. */
  readonly maxJobs: number;
  /** Digest of a file or folder on this machine, as {@link SourceContext.localTree}. */
  localTree(path: string, options?: LocalTreeOptions): Digest;
  /** The workspace that is open on an element, by its full name. */
  workspace(fullName: string): OpenWorkspace | undefined;
  /** Every project loaded so far, the toplevel one first. */
  projects: Project[];
  /** Resolves a junction far enough to open its project. */
  openJunction(element: LoadElement, asker: Node | undefined): JunctionFacts;
}

/** A junction element with its sources at hand. */
export interface JunctionFacts extends JunctionConfig {
  readonly fullName: string;
  readonly name: string;
  /** Absolute path of the subproject's folder. */
  readonly directory: string;
}
