/** What programs see of this one as a library: docs/api.md explains it. */
import type { Inspection } from "../oci/inspect.ts";
import type { Verification } from "../oci/verify.ts";

export type { Inspection, Verification };

export interface Options {
  /** Path of the user configuration; by default that which the command line would read. */
  readonly config?: string;
  /** Values of the project's options. */
  readonly options?: Readonly<Record<string, string>>;
  /** Whether elements are rebuilt when their dependencies changed; by default as the user configuration has it. */
  readonly strict?: boolean;
  /** Ends what is going on: it then throws a BstError. */
  readonly signal?: AbortSignal;
  /** Is told what happens, while it does. */
  readonly onEvent?: (event: ReportedEvent) => void;
}

/** What `--log-format json` writes in one line. */
export interface ReportedEvent {
  /** As in RFC 3339. */
  readonly time: string;
  /** Such as `warn`, `job-started`, `job-ended`. */
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Which dependencies of elements: those that run with them, those that they are built from, or all that can be reached. */
export type Dependencies = "none" | "run" | "build" | "all";

export interface ElementInfo {
  /** With the junctions that lead to it: `junction.bst:element.bst`. */
  readonly name: string;
  readonly kind: string;
  /** The cache key: 64 hexadecimal digits, or question marks where it is not known yet. */
  readonly key: string;
  /** What a build would do with it. */
  readonly state: "cached" | "buildable" | "waiting" | "fetch needed" | "failed" | "no reference" | "junction";
  readonly description: string;
  /** Names of direct dependencies. */
  readonly buildDependencies: readonly string[];
  /** Names of direct dependencies. */
  readonly runtimeDependencies: readonly string[];
}

export interface TargetOptions {
  /** What is meant besides the targets. */
  readonly deps?: Dependencies;
}

/** A project on disk. Each call reads what is there at that time. */
export interface Project {
  readonly name: string;
  /** Absolute path of the folder with its project.conf. */
  readonly directory: string;
  /** Images of its elements, and all that {@link Images} knows besides. */
  readonly images: Images;
  /**
   * Elements, each after its dependencies.
   * @param targets names or patterns; without any, the project's default targets
   * @param options `deps` is `none` by default
   */
  elements(targets?: readonly string[], options?: TargetOptions): Promise<readonly ElementInfo[]>;
  /**
   * Builds elements, or pulls what servers have.
   * @param targets names or patterns; without any, the project's default targets
   * @param options `deps` is what the user configuration says by default: what the targets need
   * @returns the targets as they are then
   * @throws BstError, where one of them can't be built
   */
  build(targets?: readonly string[], options?: TargetOptions): Promise<readonly ElementInfo[]>;
}

export interface RegistryOptions {
  /** Make do with plain http, and certificates that nobody vouches for. */
  readonly insecure?: boolean;
  /** Show registries no credentials. */
  readonly anonymous?: boolean;
}

export interface ImageOptions extends RegistryOptions {
  /** Such as `linux/arm64`: only the image for it. By default all of an index. */
  readonly platform?: string;
}

export interface CopyOptions extends ImageOptions {
  /** Also what is said of it: signatures, lists of parts and the like. */
  readonly referrers?: boolean;
  /** Replaces a file that exists. */
  readonly force?: boolean;
}

/**
 * Images wherever they are: `docker://HOST/NAME:TAG`, `oci:FOLDER[:REF]`, `oci-archive:FILE[:REF]`,
 * `docker-archive:FILE[:NAME:TAG]`, or the name of an element. Paths are relative to the project's folder.
 */
export interface Images {
  /** What an image, or an index of images, says of itself. */
  inspect(image: string, options?: ImageOptions): Promise<Inspection>;
  /** Reads all of it. What is wrong is among the `problems`. @throws BstError, where it can't be read at all */
  verify(image: string, options?: ImageOptions): Promise<Verification>;
  /** What is there already is not sent again. @returns the digest. @throws BstError */
  copy(source: string, destination: string, options?: CopyOptions): Promise<string>;
}
