/** What an element kind is: how a plugin reads its configuration, what it adds to the key, and how it makes an artifact. */
import type { BstError, BstErrorOptions } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import type { JsonSchema } from "../base/schema.ts";
import type { CommandService } from "../cas/command-service.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import type { Tree } from "../cas/tree.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import type { Checkout } from "./checkout.ts";
import type { FromPlugin } from "./plugin-text.ts";
import type { SourceDescription } from "./source-info.ts";

/** What a kind may know of an element while that is configured. */
export interface ElementFacts extends FromPlugin {
  /** Name within its project, such as `base/zlib.bst`. */
  readonly name: string;
  /** The name without `.bst`, with `-` for `/`. */
  readonly normalName: string;
  /** Name of the project that declares it. */
  readonly projectName: string;
  /** Name with the junctions that lead to it, as printed: also how error messages begin. */
  readonly fullName: string;
  readonly kind: string;
  readonly hasSources: boolean;
  /** The text of a variable, expanded; undefined where there is none of this name. */
  variable(name: string): string | undefined;
  /** What its commands get, expanded. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the plugin that the project takes the kind from, or else of the kind. */
  readonly artifactVersion: number;
  /**
   * What git knows of the project's folder; undefined where it is in no repository. Whoever asks has it in its key, and is
   * asked again each time.
   */
  checkout(): Checkout | undefined;
  /** An error in domain "element" that begins with where the element is declared. May be called detached. */
  readonly error: (message: string, options?: BstErrorOptions) => BstError;
}

/** An element as those that depend on it see it. */
export interface DependencyFacts extends ElementFacts {
  /** False for kinds such as `stack`, whose artifact holds no files. */
  readonly hasArtifact: boolean;
  /** What it needs directly to be built, in staging order. */
  readonly buildDependencies: readonly DependencyFacts[];
  /** What it needs directly when it runs, in staging order. */
  readonly runtimeDependencies: readonly DependencyFacts[];
  /** Where the sources come from, one entry for each thing that is fetched. */
  sourceInfo(): readonly SourceDescription[];
  /** The same as the plugins in Python tell it, of which early ones cannot: each is a warning. */
  toldSourceInfo(): readonly SourceDescription[];
}

/** A build dependency, once for each `config` that it was declared with. */
export interface ConfiguredDependency {
  readonly element: DependencyFacts;
  /** As it was declared: `junction.bst:name.bst` or `name.bst`. */
  readonly path: string;
  readonly config: MappingNode | undefined;
}

/** An element's direct dependencies. */
export interface DirectDependencies {
  readonly build: readonly DependencyFacts[];
  readonly runtime: readonly DependencyFacts[];
}

/** Some files of an artifact: by the domains that `split-rules` of its public data give them. */
export interface SplitSelection {
  /** Domains to take; all where empty. */
  readonly include?: readonly string[];
  /** Domains to leave out. */
  readonly exclude?: readonly string[];
  /** Whether to take files of no domain; default true. */
  readonly orphans?: boolean;
}

/** What of an artifact is staged, and where. */
export interface StageOptions extends SplitSelection {
  /** Absolute path in the sandbox; default `/`. */
  readonly path?: string;
}

/** How an archive is compressed. */
export type Compression = "none" | "gzip" | "xz" | "bzip2";

/** How commands run: where, and with what around them. */
export interface SandboxLayout {
  /** Absolute path in the sandbox; default `/`. */
  readonly workDirectory?: string;
  /** Absolute paths in the sandbox of folders that stay writable under a read-only root. */
  readonly writable?: readonly string[];
  /** Variables whose value is the digest of a tree, computed from the elements staged into it. */
  readonly digestVariables?: ReadonlyMap<string, readonly DependencyFacts[]>;
}

export interface RunOptions {
  readonly readOnlyRoot: boolean;
  /** Found before any command of this name that the sandbox has. */
  readonly served?: CommandService | undefined;
}

/** What a kind builds with. */
export interface BuildIo {
  readonly cas: Cas;
  /** Absolute path of a folder to remember in, between runs, what was computed from content-addressed input. */
  readonly memoDirectory: string;
  /** The sandbox's file system; another object after each `run` or `integrate`. */
  readonly root: Tree;
  /** The build dependencies and what they need at run time, in staging order; of `selection` where that is given. */
  dependencies(selection?: readonly DependencyFacts[]): readonly DependencyFacts[];
  /**
   * Stages {@link dependencies} and reports overlaps that nobody has whitelisted.
   * @throws BstError domain plugin, reason overlaps, where the project's `fatal-warnings` has that
   */
  stageDependencies(options?: StageOptions & { readonly selection?: readonly DependencyFacts[] }): void;
  /** Stages the artifact of one dependency alone. */
  stageArtifact(dependency: DependencyFacts, options?: StageOptions): void;
  /**
   * Stages the element's sources.
   * @param directory absolute path in the sandbox of a folder that is empty or not there yet
   * @throws BstError domain element, where it has files
   */
  stageSources(directory: string): void;
  /** Paths in a dependency's artifact, as {@link Tree.paths} has them, of what a selection of split domains takes. */
  manifest(dependency: DependencyFacts, selection: SplitSelection): Iterable<string>;
  /** The tree of a dependency's artifact. */
  artifactTree(dependency: DependencyFacts): Digest;
  /** The tar archive of a tree, the same bytes for the same tree. @throws BstError domain prog-not-found or stream */
  archive(tree: Digest, compression: Compression): Promise<Digest>;
  /** Public data as the dependency's build left it. */
  publicData(dependency: DependencyFacts, domain: string): MappingNode | undefined;
  /** Public data of this element, with what was set. */
  ownPublicData(domain: string): MappingNode | undefined;
  /** Replaces a domain of the public data that the artifact gets. */
  setPublicData(domain: string, data: MappingNode): void;
  /** Runs the integration commands of {@link dependencies}. @throws BstError domain sandbox, reason command-failed */
  integrate(selection?: readonly DependencyFacts[]): Promise<void>;
  /**
   * Runs shell commands one after the other, each in a new `sh -e`, until one fails.
   * @throws BstError domain sandbox, reason command-failed
   */
  run(commands: readonly string[], options: RunOptions): Promise<void>;
  info(text: string, detail?: string): void;
  /** @throws BstError domain plugin, its reason the token, where the project's `fatal-warnings` has that */
  warn(text: string, options?: { token?: string; detail?: string }): void;
  /** Runs a step under a `start` and a `success` or `failure` message. */
  activity<T>(text: string, step: () => Promise<T> | T, detail?: string): Promise<T>;
  /** Tells how many bytes are done, of how many, of what takes long; may be called often. */
  progress(done: number, all: number): void;
  /** Aborted where the build has to stop: for what waits, such as requests. */
  readonly signal: AbortSignal;
  /** Whether a workspace is open on the element. */
  readonly isWorkspaced: boolean;
}

/** One configured element. */
export interface ElementBehaviour {
  /** False where the build runs no commands: environment and sandbox then stay out of the key. Default true. */
  readonly runsCommands?: boolean;
  /** Called once, with all build dependencies; a `config` only those of kinds with {@link ElementKind.dependencyConfig} have. */
  configureDependencies?(dependencies: readonly ConfiguredDependency[]): void;
  /** Checks that need the graph. @throws BstError domain element */
  preflight?(dependencies: DirectDependencies): void;
  /** What this kind's configuration adds to the cache key. */
  uniqueKey(): KeyValue;
  sandbox?(): SandboxLayout;
  /** The element whose sources `source` and `workspace` commands mean; default itself. */
  sourceElement?(): DependencyFacts;
  /** The shell commands that make the artifact, for kinds that do nothing else. */
  script?(): readonly string[];
  /** Fills the sandbox: also what `shell --build` opens. */
  stage?(io: BuildIo): Promise<void> | void;
  /** Makes the artifact. @returns the absolute path in the sandbox of the folder to keep */
  assemble(io: BuildIo): Promise<string> | string;
}

/** The declaration of an element kind. */
export interface ElementKind {
  /** As elements name it; a plugin's file has the same name. */
  readonly kind: string;
  /** Whether BuildStream has it in a package of plugins: projects then say where they take it from. */
  readonly isPlugin?: true;
  /** JSON schema of `config`. */
  readonly schema: JsonSchema;
  /** JSON schema of a dependency's `config`; undefined where dependencies take none. */
  readonly dependencyConfig?: JsonSchema;
  /** What elements of this kind start from: variables, environment, config, public … */
  readonly defaults?: { readonly [key: string]: Plain };
  /** A whole number, default 0; raised when the same configuration would give another artifact than before. */
  readonly artifactVersion?: number;
  /** Whether a non-strict build, too, rebuilds it whenever a dependency changed. */
  readonly strictRebuild?: boolean;
  /** Whether the artifact is made of what others have, so that it is stale when any of them is another. */
  readonly collects?: boolean;
  /** What elements of this kind can't have. */
  readonly forbids?: readonly ("sources" | "build-depends" | "runtime-depends")[];
  /** False for kinds such as `stack`, whose artifact holds no files; default true. */
  readonly hasArtifact?: boolean;
  /** False for kinds that never run commands; {@link ElementBehaviour.runsCommands} is for others. */
  readonly runsCommands?: boolean;
  /**
   * Called once for each element.
   * @param config expanded, with defaults, and valid by `schema`
   * @throws BstError or LoadError, where it makes no sense
   */
  configure(config: MappingNode, facts: ElementFacts): ElementBehaviour;
}
