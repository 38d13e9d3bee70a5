/** What a source kind is: how a plugin describes where an element's input comes from. */
import type { KeyValue } from "../base/json.ts";
import type { JsonSchema } from "../base/schema.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { Tree } from "../cas/tree.ts";
import type { MappingNode, Plain, ScalarNode } from "../yaml/node.ts";
import type { FromPlugin } from "./plugin-text.ts";

/** The exact version of a source: text for most kinds. */
export type Ref = Plain;

/** What a kind may ask of the project while it reads its configuration. */
export interface SourceContext extends FromPlugin {
  /** `<element name>-<index>`. */
  readonly name: string;
  /** Name of the element within its project, such as `base/zlib.bst`. */
  readonly elementName: string;
  /** Where the source is declared: `file [line L column C]`. */
  readonly provenance: string;
  /** Absolute path of the project that the source is declared in. */
  readonly projectDirectory: string;
  /**
   * Checks a path below the project: it exists, is no link, and stays inside.
   * @returns the path as written, relative to the project's folder
   * @throws LoadError proj-path-invalid, proj-path-invalid-kind or missing-file
   */
  projectPath(node: ScalarNode, expected?: "file" | "directory"): string;
  /**
   * Declares a URL that the source downloads from, and resolves its alias.
   * @throws BstError domain source, reason invalid-source-alias
   */
  resolveUrl(url: string): string;
  /** The URLs to try for a declared one, mirrors included, in order. */
  candidates(url: string, purpose: "fetch" | "track"): readonly UrlCandidate[];
  /**
   * The digest of a file or folder of the machine as a tree (a single file becomes a tree of one), from the local
   * index where nothing changed. With `mtimes`, modification times belong to it, but for that of the folder itself;
   * with `store`, all of it is copied to the store.
   */
  localTree(path: string, options?: LocalTreeOptions): Digest;
  /** @throws BstError domain plugin, its reason the token, where the project's `fatal-warnings` has that */
  warn(text: string, options?: { token?: string; detail?: string }): void;
}

export interface LocalTreeOptions {
  /** Default false. */
  readonly mtimes?: boolean;
  /** Default false. */
  readonly store?: boolean;
}

/** One place to download from. */
export interface UrlCandidate {
  readonly url: string;
  /** Further facts of the mirror, such as `http-auth: bearer`. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** What a kind has while it fetches, tracks and stages. */
export interface SourceIo {
  readonly cas: Cas;
  /** Absolute path of `<sourcedir>/<kind>`, an existing folder that the kind may keep downloads in. */
  readonly mirrorDirectory: string;
  /** Aborted where the job has to stop: for requests and for programs that are run. */
  readonly signal: AbortSignal;
  info(text: string, detail?: string): void;
  /** @throws BstError domain plugin, its reason the token, where the project's `fatal-warnings` has that */
  warn(text: string, options?: { token?: string; detail?: string }): void;
  /** Runs a step under a `start` and a `success` or `failure` message. */
  activity<T>(text: string, step: () => Promise<T> | T): Promise<T>;
  /** For kinds that need the sources before them: their tree. */
  readonly previous?: Tree;
}

/** BuildStream's description of what a source is and which version, shown by `%{source-info}`. */
export interface SourceInfo {
  readonly url: string;
  /** What kind of thing it is: `local`, `remote-file`, `git`, `oci-image` … */
  readonly medium: string;
  /** What the version is: `sha256`, `commit`, `cas-digest`, `oci-digest` … */
  readonly versionType: string;
  /** Undefined where the source has no ref yet. */
  readonly version: string | undefined;
  /** The version that people know it by, such as `1.2.11`. */
  readonly versionGuess?: string;
  readonly extraData?: Readonly<Record<string, string>>;
  /** Facts that the user gives of this part of the source alone, by the project's attributes. */
  readonly attributes?: MappingNode;
}

/** One configured source of one element. */
export interface Source {
  /** Undefined where the source has no version yet and must be tracked. */
  readonly ref: Ref | undefined;
  /** Whether the key can be computed. Kinds without refs are always resolved. */
  readonly isResolved: boolean;
  /** What the source contributes to cache keys. Only asked where it is resolved. */
  uniqueKey(): KeyValue;
  /** Takes another ref, or none. */
  setRef(ref: Ref | undefined): void;
  /** Takes the ref from a node of project.refs or junction.refs. */
  loadRef(node: MappingNode): void;
  /** What must be written into the source's node for a ref: keys and values, undefined to remove a key. */
  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>>;
  /** Whether all that staging needs is on this machine. */
  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean;
  /** The newest ref; undefined for kinds that can't be tracked. */
  track(io: SourceIo): Promise<Ref | undefined>;
  /** Downloads all that staging needs. @throws BstError domain source; `temporary` where trying again may help */
  fetch(io: SourceIo): Promise<void>;
  /** Adds the source's files to a tree that holds what was staged into the same directory before. */
  stage(tree: Tree, io: SourceIo): Promise<void>;
  /** Writes the source into an empty folder as a workspace to edit; by default what `stage` gives. */
  initWorkspace?(directory: string, io: SourceIo): Promise<void>;
  /** One for each thing that is fetched. */
  info(): readonly SourceInfo[];
  /** Path of a folder that can be used in place, for junctions of local sources. */
  readonly localPath?: string;
}

/** The declaration of a source kind. */
export interface SourceKind {
  /** As sources name it; a plugin's file has the same name. */
  readonly kind: string;
  /** Whether BuildStream has it in a package of plugins: projects then say where they take it from. */
  readonly isPlugin?: true;
  /** JSON schema of the configuration, without the keys that all sources have (kind, directory, provenance). */
  readonly schema: JsonSchema;
  /** Whether the user's facts stand in each ref, and not beside the source. */
  readonly describesParts?: true;
  /** The source can't come first: it needs the tree of those before it for these steps. */
  readonly needsPrevious?: { readonly track?: boolean; readonly fetch?: boolean; readonly stage?: boolean };
  /**
   * Called once for each source of an element.
   * @param config expanded, and valid by `schema`
   * @throws BstError or LoadError, where it makes no sense
   */
  configure(config: MappingNode, context: SourceContext): Source;
}
